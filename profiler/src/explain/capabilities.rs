//! The capabilities, an entry each: keep or drop, why and how that was confirmed; in which call, for
//! whom, asked by which kernel function, and what a refusal does.

use std::collections::{BTreeMap, BTreeSet};

use super::entry;
use super::who::{in_time, who};
use crate::capabilities::{Asked, CapabilityList, Confirmation, Decision, Outcome, Verdict, short};
use crate::generator::{self, Judgement};
use crate::recording::{Caller, CapabilityCheck, Recording, harmless};
use crate::words::{count, list};

/// Empty where no check is of a wanted capability. `given`: the list that decides in place of the
/// generator. `is_all`: what is no capability's is told too.
pub(super) fn capabilities(
    recording: &Recording,
    given: Option<&CapabilityList>,
    is_all: bool,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<String> {
    if recording.capabilities.observed_by.is_none() {
        return vec!["Capabilities: not observed".to_owned()];
    }
    let mut by_name: BTreeMap<String, Vec<&CapabilityCheck>> = BTreeMap::new();
    for check in &recording.capabilities.checks {
        by_name
            .entry(check.capability.clone())
            .or_default()
            .push(check);
    }
    for kept in given.iter().flat_map(|list| &list.add) {
        by_name.entry(format!("CAP_{kept}")).or_default();
    }
    by_name.retain(|name, _| is_wanted(name));
    // Where there can be no list there are no decisions to tell.
    let generated = || generator::capabilities(std::slice::from_ref(recording), None).ok();
    let list = given.cloned().or_else(|| generated().map(|(list, _)| list));
    let notes = list.iter().flat_map(|list| &list.notes);
    let is_told = |note: &&String| {
        is_all || (note.starts_with("NET_BIND_SERVICE") && is_wanted("CAP_NET_BIND_SERVICE"))
    };
    let notes: Vec<&String> = notes.filter(is_told).collect();
    if by_name.is_empty() && notes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Capabilities:".to_owned()];
    for (name, checks) in by_name {
        let mut about: Vec<String> = list
            .iter()
            .map(|list| decision(list, given.is_some(), &name))
            .collect();
        if checks.is_empty() {
            about.push("not asked for in this recording".to_owned());
        }
        about.extend(told(recording, &checks));
        lines.extend(entry(&name, about));
    }
    lines.extend(
        notes
            .into_iter()
            .map(|note| format!("Note: {}", harmless(note))),
    );
    lines
}

pub(super) fn has(recording: &Recording, name: &str) -> bool {
    let mut checks = recording.capabilities.checks.iter();
    checks.any(|check| check.capability == name)
}

fn decision(list: &CapabilityList, is_given: bool, name: &str) -> String {
    let name = short(name);
    let was_refused = list.refused_when_recorded.iter().any(|known| known == name);
    match list.asked.get(name) {
        Some(asked) => decided(asked, was_refused),
        None if list.adds(name) => "keep: the list adds it, and tells no reason".to_owned(),
        None if is_given => "drop: the list does not add it".to_owned(),
        None if name.parse::<u8>().is_ok() => {
            "drop: it has no name by which an engine could add it".to_owned()
        }
        None => "drop: the subject itself did not ask for it".to_owned(),
    }
}

/// Keep or drop, why, and how that was confirmed.
fn decided(asked: &Asked, was_refused: bool) -> String {
    let decision = match asked.decision {
        Decision::Keep => "keep",
        Decision::Drop => "drop",
    };
    let confirmed = match &asked.confirmed_by {
        Some(Confirmation { outcome, runs, how }) if *outcome != Outcome::NotTried => {
            let runs = count(*runs, "run", "runs");
            format!(" ({runs} without it: {how})")
        }
        // The recording itself is the trial.
        None if was_refused => String::new(),
        _ => " (not tried)".to_owned(),
    };
    format!("{decision}: {}{confirmed}", harmless(&asked.because))
}

/// Checks that may have decided something are told of one by one; those that the kernel made on
/// its own account would drown them.
fn told(recording: &Recording, checks: &[&CapabilityCheck]) -> Vec<String> {
    let mut decided = BTreeSet::new();
    let mut by_reason: BTreeMap<&str, Vec<&CapabilityCheck>> = BTreeMap::new();
    for check in checks {
        let judgement = generator::judge(check);
        if judgement.verdict == Verdict::Opportunistic {
            by_reason.entry(judgement.reason).or_default().push(check);
            continue;
        }
        for caller in in_time(&check.callers) {
            decided.insert((
                !check.granted,
                asked_for(recording, check, caller, judgement),
            ));
        }
    }
    let opportunistic = by_reason
        .into_iter()
        .map(|(reason, checks)| on_own_account(recording, reason, &checks));
    let decided = decided.into_iter().map(|(_, line)| line);
    decided.chain(opportunistic).collect()
}

fn asked_for(
    recording: &Recording,
    check: &CapabilityCheck,
    caller: &Caller,
    judgement: Judgement,
) -> String {
    let verdict = if check.granted { "granted" } else { "refused" };
    let asker =
        generator::asker(check).map_or_else(String::new, |asker| format!(", asked by {asker}"));
    let audit = if check.no_audit == Some(true) {
        " (unaudited)"
    } else {
        ""
    };
    let why = match (check.own_namespace, check.own_credentials) {
        (true, true) => {
            let verdict = match judgement.verdict {
                Verdict::Needed => "needed",
                Verdict::Conditional => "conditional",
                Verdict::Opportunistic => "not needed",
            };
            format!("; {verdict} ({})", judgement.reason)
        }
        (true, false) => "; of borrowed credentials, which asks nothing of the subject".to_owned(),
        (false, _) => "; for another user namespace, which asks nothing of the subject".to_owned(),
    };
    format!(
        "{verdict} in {} for {}{asker}{audit}{why}",
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
        list(calls),
        count(programs.len(), "program", "programs"),
        runs.len(),
        recording.runs.len()
    )
}

fn call(check: &CapabilityCheck) -> &str {
    check.syscall.as_deref().unwrap_or("no call")
}
