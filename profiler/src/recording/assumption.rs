//! What a recording could not see: a function of how it was made.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Confinement, Filter, Run, Subject};

/// What a recording could not see, by the way it was made. Not lost: known not to be there.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Assumption {
    /// No run was watched from its birth behind a filter: the calls that the container runtime
    /// makes there before the first program are not in it.
    RuntimeTailUnseen,
    /// No run was watched from its birth: what the subject does when it starts is not in it.
    StartUpUnseen,
    /// No run was watched to its end: what the subject does when it stops is not in it.
    ShutdownUnseen,
}

/// What all of these runs together leave open. A command has no container runtime; a cgroup may
/// hold a container.
pub fn assumptions(
    subject: &Subject,
    confinement: &Confinement,
    runs: &[Run],
) -> BTreeSet<Assumption> {
    let from_birth = runs.iter().any(|run| run.from_birth);
    let to_end = runs.iter().any(|run| run.to_end);
    let behind_a_filter = match subject {
        Subject::Image { .. } => !confinement.filter.is(Filter::UNCONFINED),
        Subject::Command { .. } | Subject::Cgroup { .. } => true,
    };
    let has_runtime = !matches!(subject, Subject::Command { .. });
    [
        (
            Assumption::RuntimeTailUnseen,
            has_runtime && !(from_birth && behind_a_filter),
        ),
        (Assumption::StartUpUnseen, !from_birth),
        (Assumption::ShutdownUnseen, !to_end),
    ]
    .into_iter()
    .filter_map(|(assumption, stands)| stands.then_some(assumption))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::Assumption::{RuntimeTailUnseen, ShutdownUnseen, StartUpUnseen};
    use super::{Assumption, assumptions};
    use crate::recording::{Confinement, Filter, Outcome, Run, Subject};

    fn container() -> Subject {
        Subject::Image {
            reference: "nginx".into(),
            id: "sha256:1".to_owned(),
            repo_digests: Vec::new(),
            argv: Vec::new(),
            service: None,
        }
    }

    fn of(subject: &Subject, filter: &str, runs: &[(bool, bool)]) -> Vec<Assumption> {
        let confinement = Confinement {
            filter: Filter {
                name: filter.into(),
                sha256: None,
            },
            no_new_privileges: false,
            privileged: false,
            capabilities: None,
        };
        let runs: Vec<Run> = runs
            .iter()
            .zip(1..)
            .map(|(&(from_birth, to_end), id)| Run {
                id,
                started: "2026-01-02T03:04:05Z".to_owned(),
                duration_ms: 1,
                container: None,
                from_birth,
                to_end,
                outcome: Outcome {
                    passed: true,
                    test_exit: None,
                    subject_exit: None,
                    reason: None,
                },
            })
            .collect();
        assumptions(subject, &confinement, &runs)
            .into_iter()
            .collect()
    }

    #[test]
    fn a_whole_life_leaves_nothing_open() {
        assert_eq!(of(&container(), "open", &[(true, true)]), []);
    }

    #[test]
    fn one_run_closes_what_another_leaves_open() {
        assert_eq!(
            of(&container(), "own", &[(false, false)]),
            [RuntimeTailUnseen, StartUpUnseen, ShutdownUnseen]
        );
        assert_eq!(
            of(&container(), "own", &[(false, false), (true, false)]),
            [ShutdownUnseen]
        );
        assert_eq!(of(&container(), "own", &[(true, false), (false, true)]), []);
    }

    #[test]
    fn without_a_filter_nothing_is_behind_it() {
        assert_eq!(
            of(&container(), "unconfined", &[(true, true)]),
            [RuntimeTailUnseen]
        );
    }

    #[test]
    fn a_command_has_no_container_runtime() {
        let command = Subject::Command {
            argv: vec!["true".into()],
        };
        assert_eq!(of(&command, "open", &[(true, true)]), []);
        assert_eq!(of(&command, "open", &[(false, true)]), [StartUpUnseen]);
    }
}
