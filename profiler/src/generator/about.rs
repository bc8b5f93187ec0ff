//! What the reader of a profile has to know, as no rule of it can say.

use std::collections::{BTreeMap, BTreeSet};

use super::input::Calls;
use super::warning::Warning;
use crate::names::{self, LibseccompVersion};
use crate::profile::{Action, Profile, Rule};

/// The flags behind clone3's pointer, and all that a ring does, are out of a filter's sight.
pub const WAYS_ROUND: [&str; 2] = ["clone3", "io_uring_setup"];

/// What runc 1.1 is found with on the oldest systems that it still runs on.
const OLDEST_LIBSECCOMP: &str = "2.5.4";

/// What every filter should refuse is not worth a word.
pub(super) fn tried(calls: &Calls, rules: &[Rule]) -> Option<Warning> {
    let is_allowed = |name: &String| {
        let mut allowing = rules.iter().filter(|rule| rule.lets_through());
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
    warnings.extend(shared_names(calls, architectures));
    warnings
}

/// The first rule says for all how the profile was recorded: a profile has no place of its own for it.
pub(super) fn say_mode(rules: &mut [Rule]) {
    if let Some(comment) = rules.first_mut().and_then(|rule| rule.comment.as_mut()) {
        comment.insert_str(0, "holds with no-new-privileges only, as it was recorded; ");
    }
}

/// Of the rules as they are written.
pub(super) fn profile(profile: &Profile) -> Vec<Warning> {
    let oldest: LibseccompVersion = OLDEST_LIBSECCOMP.parse().expect("a version of it");
    let mut newer: BTreeMap<LibseccompVersion, BTreeSet<String>> = BTreeMap::new();
    let mut nowhere = BTreeSet::new();
    let allowing = profile.syscalls.iter().filter(|r| r.lets_through());
    for name in allowing.flat_map(|rule| &rule.names) {
        match names::libseccomp_since(name) {
            Some(since) if since > oldest => {
                newer.entry(since).or_default().insert(name.clone());
            }
            Some(_) => {}
            None => {
                nowhere.insert(name.clone());
            }
        }
    }
    let newer = newer.into_iter();
    let mut warnings: Vec<Warning> = newer
        .map(|(libseccomp, names)| Warning::NewerLibseccomp { libseccomp, names })
        .collect();
    for architecture in &profile.architectures {
        if let Some(known) = names::architecture_since(architecture) {
            warnings.push(Warning::NewerRuntime {
                architecture: architecture.clone(),
                runtime: known.runtime.clone(),
                since: known.since.clone(),
            });
        }
    }
    if !nowhere.is_empty() {
        warnings.push(Warning::NoSuchCall { names: nowhere });
    }
    if profile.default_action == Action::Log {
        warnings.push(Warning::RefusesNothing);
    }
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
