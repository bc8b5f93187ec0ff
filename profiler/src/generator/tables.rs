//! The generator's policies: data in `profiles/`, a reason on each line, parsed once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::capabilities::Verdict;

/// Calls that are allowed though no recording has to show them.
pub(super) static ALWAYS: LazyLock<Always> =
    LazyLock::new(|| parse(include_str!("../../../profiles/always.json")));

/// Calls that are answered ENOSYS where they were not seen.
pub(super) static ANSWERS: LazyLock<Answers> =
    LazyLock::new(|| parse(include_str!("../../../profiles/answers.json")));

/// Why the kernel asks for capabilities, and what comes of a refusal.
pub(super) static CHECKS: LazyLock<Checks> =
    LazyLock::new(|| parse(include_str!("../../../profiles/capability-checks.json")));

/// Why each call is made that starts of containers make behind the filter.
pub(super) static START_UP: LazyLock<StartUp> =
    LazyLock::new(|| parse(include_str!("../../../profiles/start-up.json")));

fn parse<T: for<'de> Deserialize<'de>>(text: &'static str) -> T {
    serde_json::from_str(text).expect("unit tests parse every table")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Always {
    #[serde(rename = "about")]
    _about: String,
    pub(super) calls: Vec<AlwaysCall>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlwaysCall {
    pub(super) name: String,
    pub(super) when: When,
    #[serde(default)]
    pub(super) architectures: Vec<String>,
    pub(super) reason: String,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum When {
    Any,
    /// A container runtime starts the subject, and its tail runs behind the filter.
    Container,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answers {
    #[serde(rename = "about")]
    _about: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    pub(super) complete_from: BTreeMap<String, i32>,
    pub(super) groups: Vec<AnswerGroup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerGroup {
    pub(super) comment: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(default)]
    pub(super) architectures: Vec<String>,
    pub(super) calls: Vec<Answer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) name: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    pub(super) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartUp {
    #[serde(rename = "about")]
    _about: String,
    /// The container runtime's.
    pub(super) runtime: Vec<StartUpCall>,
    /// The engine's init's.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    pub(super) init: Vec<StartUpCall>,
    pub(super) program_reason: String,
    /// What the first program's libc calls besides.
    pub(super) program: Vec<StartUpCall>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartUpCall {
    pub(super) name: String,
    /// The modes in which no container starts without it, as was tried.
    #[serde(default)]
    pub(super) needed: Vec<Mode>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    pub(super) reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    Plain,
    NoNewPrivileges,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checks {
    #[serde(rename = "about")]
    _about: String,
    pub(super) rules: Vec<CheckRule>,
    pub(super) without_symbols: Vec<CheckRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckRule {
    pub(super) capability: String,
    /// All of these, in this order from the asker outwards; empty: any.
    #[serde(default)]
    pub(super) stack: Vec<String>,
    /// Any one of these; empty: any.
    #[serde(default)]
    pub(super) syscalls: Vec<String>,
    pub(super) verdict: Verdict,
    /// What the list does while nobody has tried; absent: it keeps.
    pub(super) unless_tried: Option<UnlessTried>,
    /// A capability that allows the same; where it is kept, this one adds nothing.
    pub(super) covered_by: Option<String>,
    pub(super) reason: String,
    pub(super) source: String,
    /// The kernel on which the stack was seen so.
    #[serde(rename = "measured")]
    _measured: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum UnlessTried {
    Drop,
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use profiler_common::Abi;

    use super::{ALWAYS, ANSWERS, CHECKS, START_UP};
    use crate::capabilities::Verdict;
    use crate::names;

    /// Every call of an architecture's table, by number.
    fn calls(architecture: &str) -> BTreeMap<i32, String> {
        let abi = Abi::ALL
            .into_iter()
            .find(|&abi| names::architecture(abi) == architecture)
            .unwrap();
        (0..512)
            .map(|number| (number, names::syscall(abi, number)))
            .filter(|(number, name)| *name != number.to_string())
            .collect()
    }

    fn exists(name: &str) -> bool {
        ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
            .into_iter()
            .any(|architecture| calls(architecture).values().any(|known| known == name))
    }

    fn assert_once<'a>(names: impl Iterator<Item = &'a String>) {
        let mut seen = BTreeSet::new();
        for name in names {
            assert!(exists(name), "no call is named {name}");
            assert!(seen.insert(name), "{name} stands there twice");
        }
    }

    #[test]
    fn every_call_exists_stands_once_and_has_its_reason() {
        assert_once(ALWAYS.calls.iter().map(|call| &call.name));
        assert!(ALWAYS.calls.iter().all(|call| !call.reason.is_empty()));
        let answers = || ANSWERS.groups.iter().flat_map(|group| &group.calls);
        assert_once(answers().map(|call| &call.name));
        assert!(answers().all(|call| !call.reason.is_empty()));
        assert!(ANSWERS.groups.iter().all(|group| !group.comment.is_empty()));
    }

    #[test]
    fn every_call_of_a_start_exists_stands_once_and_has_its_reason() {
        for calls in [&START_UP.runtime, &START_UP.init, &START_UP.program] {
            assert_once(calls.iter().map(|call| &call.name));
            assert!(calls.iter().all(|call| !call.reason.is_empty()));
            assert!(calls.is_sorted_by_key(|call| &call.name));
        }
        assert!(START_UP.program_reason.starts_with("measured: "));
    }

    #[test]
    fn no_call_is_both_allowed_and_answered() {
        for call in &ALWAYS.calls {
            let answered = ANSWERS
                .groups
                .iter()
                .flat_map(|group| &group.calls)
                .any(|answer| answer.name == call.name);
            assert!(!answered, "{}", call.name);
        }
    }

    /// runc refuses an unnamed call with EPERM when a higher number is named.
    #[test]
    fn below_the_highest_answer_every_newer_call_has_one() {
        for (architecture, &from) in &ANSWERS.complete_from {
            let answered: BTreeSet<&str> = ANSWERS
                .groups
                .iter()
                .filter(|group| {
                    group.architectures.is_empty() || group.architectures.contains(architecture)
                })
                .flat_map(|group| &group.calls)
                .map(|call| call.name.as_str())
                .collect();
            let calls = calls(architecture);
            let highest = calls
                .iter()
                .filter(|(_, name)| answered.contains(name.as_str()))
                .map(|(&number, _)| number)
                .max()
                .unwrap();
            assert!(highest >= 439, "{architecture}: {highest}");
            let missing: Vec<_> = calls
                .range(from..=highest)
                .filter(|(_, name)| !answered.contains(name.as_str()))
                .collect();
            assert!(missing.is_empty(), "{architecture}: {missing:?}");
        }
    }

    #[test]
    fn every_check_names_a_capability_and_something_to_match() {
        for (rule, by_stack) in CHECKS
            .rules
            .iter()
            .map(|rule| (rule, true))
            .chain(CHECKS.without_symbols.iter().map(|rule| (rule, false)))
        {
            assert!(
                names::CAPABILITIES.contains(&rule.capability.as_str()),
                "{}",
                rule.capability
            );
            assert!(!rule.reason.is_empty());
            let (_, at) = rule.source.rsplit_once("#L").unwrap();
            assert!(at.parse::<u32>().is_ok(), "{rule:?}: no line of the kernel");
            if rule.unless_tried.is_some() || rule.covered_by.is_some() {
                assert_eq!(rule.verdict, Verdict::Conditional, "{rule:?}");
            }
            if let Some(cover) = &rule.covered_by {
                assert!(names::CAPABILITIES.contains(&cover.as_str()), "{rule:?}");
                assert_ne!(*cover, rule.capability);
            }
            assert!(
                !rule.syscalls.is_empty() || (by_stack && !rule.stack.is_empty()),
                "{rule:?} would fit every check"
            );
            assert!(by_stack || rule.stack.is_empty(), "{rule:?} can fit none");
            assert_once(rule.syscalls.iter());
        }
    }

    #[test]
    fn every_capability_has_a_rule() {
        for name in names::CAPABILITIES {
            let mut rules = CHECKS.rules.iter();
            assert!(rules.any(|rule| rule.capability == name), "{name}");
        }
    }

    #[test]
    fn no_check_is_hidden_behind_an_earlier_one() {
        for rules in [&CHECKS.rules, &CHECKS.without_symbols] {
            for (index, later) in rules.iter().enumerate() {
                let twin = rules[..index].iter().find(|earlier| {
                    earlier.capability == later.capability
                        && earlier.stack == later.stack
                        && earlier.syscalls == later.syscalls
                });
                assert!(twin.is_none(), "{later:?}");
            }
        }
    }
}
