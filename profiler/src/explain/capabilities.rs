//! The capabilities, an entry each: keep or drop, in which call, for whom, asked by which kernel
//! function, and what a refusal does.

use std::collections::{BTreeMap, BTreeSet};

use super::entry;
use super::who::{in_time, who};
use crate::capabilities::{Asked, Confirmation, Decision, Verdict, short};
use crate::generator::{self, Judgement};
use crate::recording::{Caller, CapabilityCheck, Recording};

/// Empty where no check is of a wanted capability. `is_all`: what is no capability's is told too.
pub(super) fn capabilities(
    recording: &Recording,
    is_all: bool,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<String> {
    if recording.capabilities.observed_by.is_none() {
        return vec!["Capabilities: not observed".to_owned()];
    }
    let mut by_name: BTreeMap<&str, Vec<&CapabilityCheck>> = BTreeMap::new();
    for check in &recording.capabilities.checks {
        if is_wanted(&check.capability) {
            by_name.entry(&check.capability).or_default().push(check);
        }
    }
    // Where there can be no list there are no decisions to tell.
    let list = generator::capabilities(std::slice::from_ref(recording)).ok();
    let list = list.map(|(list, _)| list);
    let asked = |name: &str| list.as_ref()?.asked.get(short(name));
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
        let decision = asked(name).map(decided);
        let told = decision.into_iter().chain(told(recording, &checks));
        lines.extend(entry(name, told.collect()));
    }
    lines.extend(notes.into_iter().map(|note| format!("Note: {note}")));
    lines
}

pub(super) fn has(recording: &Recording, name: &str) -> bool {
    let mut checks = recording.capabilities.checks.iter();
    checks.any(|check| check.capability == name)
}

fn decided(asked: &Asked) -> String {
    let decision = match asked.decision {
        Decision::Keep => "keep",
        Decision::Drop => "drop",
    };
    let confirmed = asked.confirmed_by.as_ref();
    let how = confirmed.map(|Confirmation { runs, how, .. }| {
        format!(" ({} without: {how})", super::count(*runs, "run", "runs"))
    });
    format!("{decision}: {}{}", asked.because, how.unwrap_or_default())
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
                decision(recording, check, caller, judgement),
            ));
        }
    }
    let opportunistic = by_reason
        .into_iter()
        .map(|(reason, checks)| on_own_account(recording, reason, &checks));
    let decided = decided.into_iter().map(|(_, line)| line);
    decided.chain(opportunistic).collect()
}

fn decision(
    recording: &Recording,
    check: &CapabilityCheck,
    caller: &Caller,
    judgement: Judgement,
) -> String {
    let verdict = if check.granted { "granted" } else { "refused" };
    let asker =
        generator::asker(check).map_or_else(String::new, |asker| format!(", asked by {asker}"));
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
        "{verdict} in {} for {}{asker}{why}",
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
