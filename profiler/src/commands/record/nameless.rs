//! Containers that were gone before the engine could tell what they ran.
//!
//! One that lives for a moment on a busy machine is known by its image's name alone. Where the
//! session has just one subject that fits, it was a run of that; where there are several, nothing
//! tells which, and its recording stays apart.

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::recording::{self, Filter, Recording, Subject};

/// Recordings by the file that they will lie in. What is united lies in the file that was named
/// first.
pub(super) fn unite(recordings: &mut IndexMap<PathBuf, Recording>) {
    let nameless: Vec<PathBuf> = recordings
        .iter()
        .filter(|(_, recording)| is_nameless(&recording.subject))
        .map(|(path, _)| path.clone())
        .collect();
    for path in nameless {
        let mut fitting = recordings
            .iter()
            .filter(|(_, known)| fits(known, &recordings[&path]));
        let (Some((known, _)), None) = (fitting.next(), fitting.next()) else {
            continue;
        };
        let known = known.clone();
        let mut both = recordings
            .keys()
            .filter(|file| [&known, &path].contains(file));
        let first = both.next().cloned();
        let (Some(first), Some(run), Some(mut subject)) = (
            first,
            recordings.shift_remove(&path),
            recordings.shift_remove(&known),
        ) else {
            continue;
        };
        let run = Recording {
            subject: subject.subject.clone(),
            confinement: subject.confinement.clone(),
            ..run
        };
        recording::merge(&mut subject, run)
            .expect("of one session, and now of one subject under one confinement");
        recordings.insert(first, subject);
    }
}

fn is_nameless(subject: &Subject) -> bool {
    matches!(subject, Subject::Image { id, .. } if id.is_empty())
}

/// Whether nothing that is known of `nameless` speaks against it.
fn fits(known: &Recording, nameless: &Recording) -> bool {
    let is_of_one_image = match (&known.subject, &nameless.subject) {
        (
            Subject::Image {
                id,
                reference,
                service,
                ..
            },
            Subject::Image {
                reference: other_reference,
                service: other_service,
                ..
            },
        ) => !id.is_empty() && (reference, service) == (other_reference, other_service),
        _ => false,
    };
    let (one, other) = (&known.confinement, &nameless.confinement);
    let is_filtered = |recording: &Recording| !recording.confinement.filter.is(Filter::UNCONFINED);
    is_of_one_image
        && is_filtered(known) == is_filtered(nameless)
        && one.no_new_privileges == other.no_new_privileges
        && (one.capabilities == other.capabilities || other.capabilities.is_none())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use indexmap::IndexMap;

    use super::unite;
    use crate::recording::{Filter, Recording, Subject, Text};

    /// `id`: empty where the engine did not tell.
    fn of(id: &str, argv: &[&str], filter: &str) -> Recording {
        let mut recording: Recording = serde_json::from_str(include_str!(
            "../../../../tests/golden/container.recording.json"
        ))
        .unwrap();
        recording.subject = Subject::Image {
            reference: "busybox".into(),
            id: id.to_owned(),
            repo_digests: Vec::new(),
            argv: argv.iter().map(|&word| Text::from(word)).collect(),
            service: None,
        };
        recording.confinement.filter = Filter {
            name: filter.into(),
            sha256: None,
        };
        // What is another subject's is another run.
        let containers = recording.runs.iter_mut().flat_map(|run| &mut run.container);
        for container in containers {
            container.id.push_str(id);
        }
        recording
    }

    fn united(recordings: &[(&str, Recording)]) -> IndexMap<PathBuf, Recording> {
        let named = recordings.iter().cloned();
        let mut recordings = named
            .map(|(name, recording)| (name.into(), recording))
            .collect();
        unite(&mut recordings);
        recordings
    }

    #[test]
    fn one_that_nobody_could_ask_about_is_a_run_of_the_only_subject_of_its_image() {
        let known = of("sha256:1", &["true"], Filter::ENGINE_DEFAULT);
        let gone = of("", &[], Filter::UNKNOWN);
        let runs = known.runs.len() + gone.runs.len();
        for order in [
            [("a", known.clone()), ("a-2", gone.clone())],
            [("a", gone), ("a-2", known.clone())],
        ] {
            let united = united(&order);
            assert_eq!(united.len(), 1);
            let recording = &united[&PathBuf::from("a")];
            assert_eq!(recording.subject, known.subject);
            assert_eq!(recording.confinement, known.confinement);
            assert_eq!(recording.runs.len(), runs);
        }
    }

    #[test]
    fn where_it_could_be_of_several_or_of_none_it_stays_apart() {
        let gone = of("", &[], Filter::UNKNOWN);
        let one = of("sha256:1", &["true"], Filter::ENGINE_DEFAULT);
        let other = of("sha256:1", &["false"], Filter::ENGINE_DEFAULT);
        let unfiltered = of("sha256:1", &["true"], Filter::UNCONFINED);
        let two_fit = [("a", one), ("a-2", gone.clone()), ("a-3", other)];
        assert_eq!(united(&two_fit).len(), 3);
        assert_eq!(united(&[("a", gone.clone()), ("a-2", unfiltered)]).len(), 2);
        assert_eq!(united(&[("a", gone.clone())]), united(&[("a", gone)]));
    }
}
