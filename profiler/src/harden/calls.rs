//! Which calls the test passes without: a label for each, not a pair of scissors.

use schemars::JsonSchema;
use serde::Serialize;

use super::tables::HARDENING;
use crate::profile::Profile;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallTold {
    pub name: String,
    pub label: Label,
    /// What its refusal did, a line each.
    pub how: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// Without it the test fails.
    Needed,
    /// The test passes, but what the run leaves is not the same: ids, modes, descriptors, the log.
    ChangesState,
    /// The test passes, and nothing differs that was looked at.
    Silent,
    /// A verdict did not repeat.
    Unknown,
    /// Nobody came to it.
    NotTried,
}

/// What one run without some calls came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    Failed(String),
    Differs(Vec<String>),
    Same,
}

impl Label {
    pub fn words(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::ChangesState => "falls back and changes state or log",
            Self::Silent => "falls back silently",
            Self::Unknown => "unknown: a verdict that did not repeat",
            Self::NotTried => "not tried",
        }
    }
}

/// Every call that the profile allows, none tried; in the profile's order.
pub fn untried(profile: &Profile) -> Vec<CallTold> {
    let mut calls: Vec<CallTold> = Vec::new();
    for name in profile
        .syscalls
        .iter()
        .filter(|rule| rule.lets_through())
        .flat_map(|rule| &rule.names)
    {
        if !calls.iter().any(|known| known.name == *name) {
            calls.push(CallTold {
                name: name.clone(),
                label: Label::NotTried,
                how: Vec::new(),
            });
        }
    }
    calls
}

/// Of one that was tried with others and did not go: what trying it alone showed, once more where that
/// says otherwise.
pub fn label(alone: &[Trial]) -> (Label, Vec<String>) {
    match alone {
        [Trial::Failed(how)] => (Label::Needed, vec![how.clone()]),
        [Trial::Differs(how)] => (Label::ChangesState, how.clone()),
        _ => (Label::Unknown, Vec::new()),
    }
}

/// Without these calls, whatever their arguments.
#[must_use]
pub fn without(profile: &Profile, calls: &[String]) -> Profile {
    let mut less = profile.clone();
    for rule in less.syscalls.iter_mut().filter(|rule| rule.lets_through()) {
        rule.names.retain(|name| !calls.contains(name));
    }
    less.syscalls.retain(|rule| !rule.names.is_empty());
    less
}

/// The silent ones that no passing test can excuse from.
pub fn droppable(calls: &[CallTold]) -> Vec<String> {
    let silent = calls.iter().filter(|call| call.label == Label::Silent);
    silent
        .filter(|call| never_drop(&call.name).is_none())
        .map(|call| call.name.clone())
        .collect()
}

/// Why it is kept though nothing was seen to need it.
pub fn never_drop(call: &str) -> Option<&'static str> {
    let mut groups = HARDENING.never_drop.iter();
    groups.find_map(|group| {
        group
            .calls
            .iter()
            .any(|name| name == call)
            .then_some(&*group.reason)
    })
}

/// In which order to try, and what together: what programs often do without first, all of it; what
/// else there is in small groups, as most of it is needed.
pub fn groups(calls: &[CallTold]) -> Vec<Vec<String>> {
    const SMALL: usize = 4;
    let names = calls.iter().map(|call| call.name.clone());
    let (often, others): (Vec<_>, Vec<_>) =
        names.partition(|name| HARDENING.often_silent.calls.contains(name));
    let mut groups = vec![often];
    groups.extend(others.chunks(SMALL).map(<[String]>::to_vec));
    groups
}

#[cfg(test)]
mod tests {
    use super::{CallTold, Label, Trial, droppable, groups, label, untried, without};
    use crate::profile::Profile;

    fn profile() -> Profile {
        serde_json::from_str(
            r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read", "umask", "access"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
                {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_call_goes_with_all_its_rules_and_its_answer_stays() {
        let less = without(
            &profile(),
            &["socket".into(), "umask".into(), "clone3".into()],
        );
        let names: Vec<_> = less
            .syscalls
            .iter()
            .map(|rule| rule.names.join(" "))
            .collect();
        assert_eq!(names, ["read access", "clone3"]);
    }

    #[test]
    fn every_call_is_tried_once() {
        let calls = untried(&profile());
        let mut tried = groups(&calls).concat();
        tried.sort();
        assert_eq!(tried, ["access", "read", "socket", "umask"]);
        assert_eq!(groups(&calls)[0], ["umask", "access"]);
    }

    #[test]
    fn a_verdict_that_does_not_repeat_is_none() {
        let failed = Trial::Failed("exit code 1".into());
        assert_eq!(
            label(std::slice::from_ref(&failed)),
            (Label::Needed, vec!["exit code 1".into()])
        );
        let (differs, _) = label(&[Trial::Differs(vec!["new: log: x".into()])]);
        assert_eq!(differs, Label::ChangesState);
        for alone in [&[Trial::Same, Trial::Same][..], &[Trial::Same, failed], &[]] {
            assert_eq!(label(alone).0, Label::Unknown);
        }
    }

    #[test]
    fn what_keeps_a_container_strict_is_never_dropped() {
        let silent = |name: &str| CallTold {
            name: name.into(),
            label: Label::Silent,
            how: Vec::new(),
        };
        let calls = ["umask", "access", "setgroups", "getuid", "close", "fsync"].map(silent);
        assert_eq!(droppable(&calls), ["access"]);
    }
}
