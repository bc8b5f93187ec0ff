//! The capabilities, an entry each: in which call, for whom, asked by which kernel function.

use std::collections::{BTreeMap, BTreeSet};

use super::entry;
use super::who::{in_time, who};
use crate::generator;
use crate::recording::{Caller, CapabilityCheck, Recording};

/// Empty where no check is of a wanted capability.
pub(super) fn capabilities(recording: &Recording, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    if recording.capabilities.observed_by.is_none() {
        return vec!["Capabilities: not observed".to_owned()];
    }
    let mut by_name: BTreeMap<&str, Vec<&CapabilityCheck>> = BTreeMap::new();
    for check in &recording.capabilities.checks {
        if is_wanted(&check.capability) {
            by_name.entry(&check.capability).or_default().push(check);
        }
    }
    if by_name.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Capabilities:".to_owned()];
    for (name, checks) in by_name {
        lines.extend(entry(name, told(recording, &checks)));
    }
    lines
}

pub(super) fn has(recording: &Recording, name: &str) -> bool {
    let mut checks = recording.capabilities.checks.iter();
    checks.any(|check| check.capability == name)
}

/// Checks that decided something are told of one by one; those that the kernel made on its own
/// account would drown them.
fn told(recording: &Recording, checks: &[&CapabilityCheck]) -> Vec<String> {
    let mut decided = BTreeSet::new();
    let mut by_reason: BTreeMap<&str, Vec<&CapabilityCheck>> = BTreeMap::new();
    for check in checks {
        if let Some(reason) = generator::opportunistic(check) {
            by_reason.entry(reason).or_default().push(check);
            continue;
        }
        for caller in in_time(&check.callers) {
            decided.insert((!check.granted, decision(recording, check, caller)));
        }
    }
    let opportunistic = by_reason
        .into_iter()
        .map(|(reason, checks)| on_own_account(recording, reason, &checks));
    let decided = decided.into_iter().map(|(_, line)| line);
    decided.chain(opportunistic).collect()
}

fn decision(recording: &Recording, check: &CapabilityCheck, caller: &Caller) -> String {
    let verdict = if check.granted { "granted" } else { "refused" };
    let asker = check
        .stack
        .first()
        .map_or_else(String::new, |asker| format!(", asked by {asker}"));
    let not_its_own = match (check.own_namespace, check.own_credentials) {
        (true, true) => "",
        (true, false) => "; of borrowed credentials, which asks nothing of the subject",
        (false, _) => "; for another user namespace, which asks nothing of the subject",
    };
    format!(
        "{verdict} in {} for {}{asker}{not_its_own}",
        call(check),
        who(recording, caller)
    )
}

fn on_own_account(recording: &Recording, reason: &str, checks: &[&CapabilityCheck]) -> String {
    let calls: BTreeSet<&str> = checks.iter().map(|check| call(check)).collect();
    let callers = || checks.iter().flat_map(|check| &check.callers);
    let programs: BTreeSet<_> = callers().map(|caller| &caller.exe).collect();
    let runs: BTreeSet<_> = callers().flat_map(|caller| &caller.runs).collect();
    format!(
        "asked for in {} by {}, in {} of {} runs: not needed ({reason})",
        calls.into_iter().collect::<Vec<_>>().join(", "),
        super::count(programs.len(), "program", "programs"),
        runs.len(),
        recording.runs.len()
    )
}

fn call(check: &CapabilityCheck) -> &str {
    check.syscall.as_deref().unwrap_or("no call")
}
