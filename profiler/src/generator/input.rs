//! What several recordings of one subject say together, and what each leaves open.

use std::collections::{BTreeMap, BTreeSet};

use super::warning::{GenerateError, Warning, lost};
use crate::recording::{Losses, Phase, Recording, Status, Subject, Text};

/// Refuses recordings that do not belong together, and those of nothing.
pub(super) fn check(recordings: &[Recording]) -> Result<(), GenerateError> {
    if recordings.is_empty() {
        return Err(GenerateError::NoRecording);
    }
    let subjects: BTreeMap<_, _> = recordings
        .iter()
        .map(|recording| (identity(&recording.subject), shown(&recording.subject)))
        .collect();
    if subjects.len() > 1 {
        return Err(GenerateError::DifferentSubjects {
            subjects: subjects.into_values().collect(),
        });
    }
    let machines: BTreeSet<_> = recordings.iter().map(|r| r.host.machine.clone()).collect();
    if machines.len() > 1 {
        return Err(GenerateError::DifferentMachines {
            machines: machines.into_iter().collect(),
        });
    }
    if recordings.iter().all(|recording| recording.runs.is_empty()) {
        return Err(GenerateError::NoRuns);
    }
    Ok(())
}

/// What makes two recordings one subject's: the image's content, or the command line.
fn identity(subject: &Subject) -> (Option<&str>, Vec<&[u8]>) {
    match subject {
        Subject::Command { argv } => (None, argv.iter().map(Text::as_bytes).collect()),
        Subject::Image { id, .. } => (Some(id), Vec::new()),
    }
}

fn shown(subject: &Subject) -> String {
    match subject {
        Subject::Command { argv } => {
            let words: Vec<_> = argv.iter().map(ToString::to_string).collect();
            format!("command `{}`", words.join(" "))
        }
        Subject::Image { reference, id, .. } => format!("image {reference} ({id})"),
    }
}

/// The warnings that every output shares.
pub(super) fn warnings(recordings: &[Recording]) -> BTreeSet<Warning> {
    let mut warnings = BTreeSet::new();
    let checkpoints = recordings
        .iter()
        .filter(|recording| recording.status == Status::Checkpoint)
        .count();
    if checkpoints > 0 {
        warnings.insert(Warning::Checkpoint {
            count: checkpoints,
            of: recordings.len(),
        });
    }
    if let Some(losses) = lost(&sum(recordings)) {
        warnings.insert(Warning::Lost { losses });
    }
    let runs = || recordings.iter().flat_map(|recording| &recording.runs);
    let failed = || runs().filter(|run| !run.outcome.passed);
    if failed().next().is_some() {
        warnings.insert(Warning::Failed {
            count: failed().count(),
            of: runs().count(),
            reasons: failed()
                .filter_map(|run| run.outcome.reason.as_ref().map(ToString::to_string))
                .collect(),
        });
    }
    if no_new_privileges(recordings) {
        warnings.insert(Warning::NoNewPrivileges);
    }
    for recording in recordings {
        let name = recording.confinement.filter.name.to_string();
        if name != "open" {
            warnings.insert(Warning::Filter { name });
        }
    }
    warnings
}

/// One recording without it is enough: what it shows covers the other mode.
pub(super) fn no_new_privileges(recordings: &[Recording]) -> bool {
    recordings
        .iter()
        .all(|recording| recording.confinement.no_new_privileges)
}

pub(super) fn is_container(recordings: &[Recording]) -> bool {
    recordings
        .iter()
        .any(|recording| matches!(recording.subject, Subject::Image { .. }))
}

fn sum(recordings: &[Recording]) -> Losses {
    recordings
        .iter()
        .map(|recording| recording.losses)
        .fold(Losses::default(), |a, b| Losses {
            events: a.events + b.events,
            processes: a.processes + b.processes,
            stray_calls: a.stray_calls + b.stray_calls,
            capability_checks: a.capability_checks + b.capability_checks,
            cgroups: a.cgroups + b.cgroups,
        })
}

/// All calls of all recordings, by name; numbers without a name apart.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) named: BTreeMap<String, Call>,
    /// By architecture.
    pub(super) numbers: BTreeMap<String, BTreeSet<String>>,
    pub(super) architectures: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) phases: BTreeSet<Phase>,
    /// The number in each architecture that made it.
    pub(super) numbers: BTreeMap<String, i32>,
}

pub(super) fn calls(recordings: &[Recording]) -> Calls {
    let mut calls = Calls::default();
    for (architecture, seen) in recordings.iter().flat_map(|r| &r.architectures) {
        for (name, syscall) in seen {
            calls.architectures.insert(architecture.clone());
            if is_number(name) {
                let numbers = calls.numbers.entry(architecture.clone()).or_default();
                numbers.insert(name.clone());
                continue;
            }
            let call = calls.named.entry(name.clone()).or_default();
            call.phases.extend(syscall.phases.keys());
            call.numbers.insert(architecture.clone(), syscall.number);
        }
    }
    calls
}

/// The recording's way of keeping what has no name.
pub(super) fn is_number(name: &str) -> bool {
    name.parse::<i64>().is_ok()
}
