//! What several recordings of one subject say together, and what each leaves open.

use std::collections::{BTreeMap, BTreeSet};

use super::warning::{GenerateError, Warning};
use crate::recording::{
    Arguments, Assumption, Filter, Losses, Phase, Recording, Status, Subject, Syscall, Text,
};

/// Refuses recordings that do not belong together, and those of nothing.
pub(super) fn check(recordings: &[Recording]) -> Result<(), GenerateError> {
    if recordings.is_empty() {
        return Err(GenerateError::NoRecording);
    }
    let subjects: BTreeMap<_, _> = recordings
        .iter()
        .map(|recording| (identity(&recording.subject), recording.subject.to_string()))
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
    recordings.iter().try_for_each(check_one)
}

/// Refuses a recording of nothing.
pub fn check_one(recording: &Recording) -> Result<(), GenerateError> {
    if recording.runs.is_empty() {
        return Err(GenerateError::NoRuns);
    }
    Ok(())
}

/// Refuses a recording in which anything is missing.
pub fn check_complete(recording: &Recording) -> Result<(), GenerateError> {
    if let Some(losses) = recording.losses.in_words() {
        return Err(GenerateError::Lost { losses });
    }
    if recording.status == Status::Checkpoint {
        return Err(GenerateError::Checkpoint);
    }
    Ok(())
}

/// What makes two recordings one subject's: the image's content and, under Compose, the service;
/// the command line; the cgroup. An image's arguments and the project's name may differ: whoever
/// names both files wants a profile for both.
fn identity(subject: &Subject) -> (&'static str, Vec<&[u8]>) {
    match subject {
        Subject::Command { argv } => ("command", argv.iter().map(Text::as_bytes).collect()),
        Subject::Image {
            reference,
            id,
            service,
            ..
        } => {
            // Where its content is not known, its name decides.
            let known = !id.is_empty();
            let content = if known {
                id.as_bytes()
            } else {
                reference.as_bytes()
            };
            let service = service.iter().map(|service| service.name.as_bytes());
            ("image", std::iter::once(content).chain(service).collect())
        }
        Subject::Cgroup { path } => ("cgroup", vec![path.as_bytes()]),
    }
}

/// The warnings that every output shares.
pub(super) fn warnings(recordings: &[Recording], mode: Mode) -> BTreeSet<Warning> {
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
    let losses = recordings
        .iter()
        .fold(Losses::default(), |known, recording| {
            known.largest(recording.losses)
        });
    if let Some(losses) = losses.in_words() {
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
    if mode.recorded {
        warnings.insert(if mode.wanted {
            Warning::NoNewPrivileges
        } else {
            Warning::GainsUnseen
        });
    }
    for Recording { confinement, .. } in recordings {
        let filter = &confinement.filter;
        // Neither keeps anything away that a profile could allow.
        if !filter.is(Filter::OPEN) && !filter.is(Filter::UNCONFINED) {
            let name = filter.name.to_string();
            warnings.insert(Warning::Filter { name });
        }
    }
    if stands(recordings, Assumption::StartUpUnseen) {
        warnings.insert(Warning::StartUpUnseen);
    }
    if stands(recordings, Assumption::ShutdownUnseen) {
        warnings.insert(Warning::ShutdownUnseen);
    }
    warnings
}

/// Whether no recording closes it.
pub(super) fn stands(recordings: &[Recording], assumption: Assumption) -> bool {
    recordings
        .iter()
        .all(|recording| recording.assumptions.contains(&assumption))
}

/// Whether no recording shows the runtime's tail. With no-new-privileges that is a part only of the
/// one without, so where the result has to hold without, only a recording without counts.
pub(super) fn tail_is_unseen(recordings: &[Recording], no_new_privileges: bool) -> bool {
    let has_runtime = |recording: &Recording| !matches!(recording.subject, Subject::Command { .. });
    recordings.iter().all(has_runtime)
        && recordings
            .iter()
            .filter(|r| no_new_privileges || !r.confinement.no_new_privileges)
            .all(|recording| {
                recording
                    .assumptions
                    .contains(&Assumption::RuntimeTailUnseen)
            })
}

/// Whether nothing was seen without. One recording without it is enough: what it shows covers the
/// other mode.
pub fn recorded_with_no_new_privileges(recordings: &[Recording]) -> bool {
    recordings
        .iter()
        .all(|recording| recording.confinement.no_new_privileges)
}

/// Whether with no-new-privileges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub(super) recorded: bool,
    /// What the profile is for.
    pub(super) wanted: bool,
}

impl Mode {
    /// `asked`: `None` for as it was recorded.
    pub(super) fn of(recordings: &[Recording], asked: Option<bool>) -> Self {
        let recorded = recorded_with_no_new_privileges(recordings);
        Self {
            recorded,
            wanted: asked.unwrap_or(recorded),
        }
    }

    pub(super) fn is_other(self) -> bool {
        self.wanted != self.recorded
    }
}

pub(super) fn is_container(recordings: &[Recording]) -> bool {
    recordings
        .iter()
        .any(|recording| matches!(recording.subject, Subject::Image { .. }))
}

/// All calls of all recordings, by name; numbers without a name apart.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) named: BTreeMap<String, Call>,
    /// By architecture.
    pub(super) numbers: BTreeMap<String, BTreeSet<String>>,
    pub(super) architectures: BTreeSet<String>,
    /// Refused by the filter that a recording was made under; another may show that they are made.
    pub(super) tried: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) phases: BTreeSet<Phase>,
    /// The number in each architecture that made it.
    pub(super) numbers: BTreeMap<String, i32>,
    /// Of each caller, by architecture; `None`: they were not noted.
    pub(super) arguments: BTreeMap<String, Vec<Option<Arguments>>>,
}

impl Call {
    /// What stands in for a call that was not seen has nobody who made it.
    pub(super) fn is_seen(&self) -> bool {
        !self.phases.is_empty()
    }
}

/// The open filter refuses what the generated one does, so what it refused was no need.
pub(super) fn calls(recordings: &[Recording]) -> Calls {
    let mut calls = Calls::default();
    for recording in recordings {
        let is_open = recording.confinement.filter.is(Filter::OPEN);
        for (architecture, seen) in &recording.architectures {
            for (name, syscall) in seen {
                if !syscall.callers.is_empty() {
                    calls.add(architecture, name, syscall);
                } else if !is_open {
                    calls.tried.insert(name.clone());
                }
            }
        }
    }
    calls
}

impl Calls {
    fn add(&mut self, architecture: &str, name: &str, syscall: &Syscall) {
        self.architectures.insert(architecture.to_owned());
        if is_number(name) {
            let numbers = self.numbers.entry(architecture.to_owned()).or_default();
            numbers.insert(name.to_owned());
            return;
        }
        let call = self.named.entry(name.to_owned()).or_default();
        call.phases.extend(syscall.phases());
        call.numbers.insert(architecture.to_owned(), syscall.number);
        let noted = syscall
            .callers
            .iter()
            .map(|caller| caller.arguments.clone());
        let known = call.arguments.entry(architecture.to_owned()).or_default();
        known.extend(noted);
    }
}

/// The recording's way of keeping what has no name.
pub(super) fn is_number(name: &str) -> bool {
    name.parse::<i64>().is_ok()
}
