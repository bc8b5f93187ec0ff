//! What trying without a capability showed, in the list: pure, and it never adds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CapabilityList, Decision};
use crate::recording::Text;

/// What running without one capability came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AblationResult {
    /// Without `CAP_`.
    pub capability: String,
    pub confirmation: Confirmation,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    pub outcome: Outcome,
    /// How many runs were made without it.
    pub runs: usize,
    /// What was run, and what told the outcome, for people.
    pub how: Text,
}

/// The most cautious first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A run without it did not pass.
    Needed,
    /// It passes without, but not as before: other ids, file modes or log lines. A passing test
    /// says little of what it does not look at, so it is kept.
    FallsBack,
    /// It passes without, and nothing differs that was looked at.
    NotNeeded,
    /// It says nothing.
    NotTried,
}

impl Outcome {
    fn because(self) -> &'static str {
        match self {
            Self::Needed => "tried: without it a run did not pass",
            Self::FallsBack => "tried: without it the runs pass, but not as before",
            Self::NotNeeded => {
                "tried: without it the runs pass, and nothing differs that was looked at"
            }
            Self::NotTried => "not tried",
        }
    }
}

/// The list without what was found not to be needed; what was tried is marked. What the list does
/// not add stays as it is. Of several results for one capability the most cautious counts.
///
/// `results` are of one ablation, whose last runs were made without all that it found not to be
/// needed: of two that can stand in for each other, each can be done without alone.
pub fn apply(list: &CapabilityList, results: &[AblationResult]) -> CapabilityList {
    let mut tried = list.clone();
    for name in &list.add {
        let of_it = results.iter().filter(|result| result.capability == *name);
        let Some(confirmation) = of_it.map(|result| &result.confirmation).min() else {
            continue;
        };
        let was_dropped = confirmation.outcome == Outcome::NotNeeded;
        if was_dropped {
            tried.add.retain(|kept| kept != name);
        }
        let asked = tried.asked_for(name);
        asked.decision = if was_dropped {
            Decision::Drop
        } else {
            Decision::Keep
        };
        if confirmation.outcome != Outcome::NotTried || asked.because.is_empty() {
            confirmation
                .outcome
                .because()
                .clone_into(&mut asked.because);
        }
        asked.confirmed_by = Some(confirmation.clone());
    }
    for asked in tried.asked.values_mut() {
        if let Some(cover) = &asked.covered_by
            && list.add.contains(cover)
            && !tried.add.contains(cover)
        {
            asked.because = format!("{cover} allows the same, and was found not to be needed");
        }
    }
    tried
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{AblationResult, Confirmation, Outcome, apply};
    use crate::capabilities::{CapabilityList, Decision};

    const OUTCOMES: [Outcome; 4] = [
        Outcome::Needed,
        Outcome::FallsBack,
        Outcome::NotNeeded,
        Outcome::NotTried,
    ];
    const NAMES: [&str; 3] = ["CHOWN", "SETGID", "SETUID"];

    fn list() -> CapabilityList {
        serde_json::from_str(r#"{"add":["CHOWN","SETGID","SETUID"]}"#).unwrap()
    }

    fn result(name: &str, outcome: Outcome) -> AblationResult {
        AblationResult {
            capability: name.to_owned(),
            confirmation: Confirmation {
                outcome,
                runs: 1,
                how: "the test".into(),
            },
        }
    }

    /// Every way in which three capabilities, and one that the list does not add, can come out.
    fn all_results() -> Vec<Vec<AblationResult>> {
        let mut all = vec![vec![]];
        for name in NAMES.into_iter().chain(["MKNOD"]) {
            all = all
                .into_iter()
                .flat_map(|results| {
                    let one_more = OUTCOMES.map(|outcome| {
                        let mut results = results.clone();
                        results.push(result(name, outcome));
                        results
                    });
                    one_more.into_iter().chain([results])
                })
                .collect();
        }
        all
    }

    #[test]
    fn just_what_was_found_not_needed_goes() {
        let all = all_results();
        assert_eq!(all.len(), 5_usize.pow(4));
        for results in all {
            let tried = apply(&list(), &results);
            for name in NAMES {
                let of_it = results.iter().find(|result| result.capability == name);
                let outcome = of_it.map(|result| result.confirmation.outcome);
                let stays = outcome != Some(Outcome::NotNeeded);
                assert_eq!(
                    tried.add.iter().any(|kept| kept == name),
                    stays,
                    "{outcome:?}"
                );
                let asked = tried.asked.get(name);
                assert_eq!(
                    asked
                        .and_then(|a| a.confirmed_by.as_ref())
                        .map(|c| c.outcome),
                    outcome
                );
                let kept = asked.is_none_or(|asked| asked.decision == Decision::Keep);
                assert_eq!(kept, stays);
                assert_eq!(tried.may_be_refused().contains(name), !stays);
            }
            assert!(!tried.add.iter().any(|kept| kept == "MKNOD"));
            assert!(!tried.asked.contains_key("MKNOD"), "never in the list");
            assert!(tried.add.is_sorted());
            assert_eq!(tried.drop, list().drop);
        }
    }

    #[test]
    fn a_second_time_changes_nothing() {
        for results in all_results() {
            let once = apply(&list(), &results);
            assert_eq!(apply(&once, &results), once);
        }
    }

    #[test]
    fn the_order_of_the_results_is_immaterial() {
        for results in all_results() {
            let mut turned = results.clone();
            turned.reverse();
            assert_eq!(apply(&list(), &turned), apply(&list(), &results));
        }
    }

    /// It was missing in the runs that did without its cover.
    #[test]
    fn what_was_covered_stays_dropped_without_its_cover() {
        let list: CapabilityList = serde_json::from_str(
            r#"{"add":["DAC_OVERRIDE"],"asked":{"DAC_READ_SEARCH":{"decision":"drop",
                "verdict":"conditional","because":"","covered_by":"DAC_OVERRIDE","uses":[],
                "confirmed_by":null}}}"#,
        )
        .unwrap();
        let tried = apply(&list, &[result("DAC_OVERRIDE", Outcome::NotNeeded)]);
        assert!(tried.add.is_empty());
        let covered = &tried.asked["DAC_READ_SEARCH"];
        assert_eq!(covered.decision, Decision::Drop);
        assert!(covered.because.ends_with("was found not to be needed"));
        assert!(tried.may_be_refused().contains("DAC_READ_SEARCH"));
    }

    #[test]
    fn nothing_tried_changes_nothing() {
        assert_eq!(apply(&list(), &[]), list());
    }

    #[test]
    fn of_two_results_the_more_cautious_counts() {
        for one in OUTCOMES {
            for other in OUTCOMES {
                let results = [result("CHOWN", one), result("CHOWN", other)];
                let tried = apply(&list(), &results);
                let found: BTreeSet<Outcome> = [one, other].into();
                let first = found.first().unwrap();
                let confirmed = tried.asked["CHOWN"].confirmed_by.as_ref().unwrap();
                assert_eq!(confirmed.outcome, *first);
            }
        }
    }

    #[test]
    fn what_was_tried_can_be_read_again() {
        let tried = apply(&list(), &[result("CHOWN", Outcome::FallsBack)]);
        let text = serde_json::to_string(&tried).unwrap();
        assert!(text.contains(r#""outcome":"falls-back""#), "{text}");
        assert_eq!(
            serde_json::from_str::<CapabilityList>(&text).unwrap(),
            tried
        );
    }
}
