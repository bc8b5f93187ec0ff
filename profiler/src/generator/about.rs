//! What the reader of a profile has to know, as no rule of it can say.

use std::collections::BTreeSet;

use super::input::Calls;
use super::warning::Warning;
use crate::profile::{Action, Rule};

/// The flags behind clone3's pointer, and all that a ring does, are out of a filter's sight.
pub const WAYS_ROUND: [&str; 2] = ["clone3", "io_uring_setup"];

/// The highest number that each libseccomp release knows; the oldest is what runc 1.1 is found
/// with (<https://github.com/seccomp/libseccomp/blob/v2.6.0/src/syscalls.csv> and its history).
const LIBSECCOMP: [(&str, i32); 4] = [
    ("2.5.4", 450),
    ("2.5.5", 456),
    ("2.6.0", 466),
    ("2.6.1", 471),
];
/// x32's own calls lie in this range; they are old.
const X32_ONLY: std::ops::RangeInclusive<i32> = 512..=547;

/// What every filter should refuse is not worth a word.
pub(super) fn tried(calls: &Calls, rules: &[Rule]) -> Option<Warning> {
    let is_allowed = |name: &String| {
        let mut allowing = rules.iter().filter(|rule| rule.action == Action::Allow);
        allowing.any(|rule| rule.names.contains(name))
    };
    let names: BTreeSet<String> = calls
        .tried
        .iter()
        .filter(|name| !WAYS_ROUND.contains(&name.as_str()) && !is_allowed(name))
        .cloned()
        .collect();
    (!names.is_empty()).then_some(Warning::Tried { names })
}

pub(super) fn calls(calls: &Calls, architectures: &[String]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let ways_round: BTreeSet<String> = WAYS_ROUND
        .into_iter()
        .filter(|&name| calls.named.contains_key(name))
        .map(str::to_owned)
        .collect();
    if !ways_round.is_empty() {
        warnings.push(Warning::WayRound { names: ways_round });
    }
    for (architecture, numbers) in &calls.numbers {
        warnings.push(Warning::UnknownNumbers {
            architecture: architecture.clone(),
            numbers: numbers.clone(),
        });
    }
    for pair in LIBSECCOMP.windows(2) {
        let ((_, known), (libseccomp, newest)) = (pair[0], pair[1]);
        let names: BTreeSet<String> = calls
            .named
            .iter()
            .filter(|(_, call)| {
                call.numbers.values().any(|&number| {
                    number > known && number <= newest && !X32_ONLY.contains(&number)
                })
            })
            .map(|(name, _)| name.clone())
            .collect();
        if !names.is_empty() {
            warnings.push(Warning::NewerLibseccomp { libseccomp, names });
        }
    }
    warnings.extend(shared_names(calls, architectures));
    warnings
}

fn shared_names(calls: &Calls, architectures: &[String]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for seen in architectures {
        let count = calls
            .named
            .values()
            .filter(|call| call.numbers.len() == 1 && call.numbers.contains_key(seen))
            .count();
        let also: Vec<&str> = architectures
            .iter()
            .filter(|other| *other != seen)
            .map(String::as_str)
            .collect();
        if count > 0 && !also.is_empty() {
            warnings.push(Warning::SharedNames {
                seen: seen.clone(),
                also: also.join(" and "),
                count,
            });
        }
    }
    warnings
}
