//! Recordings in, the capabilities to keep out.
//!
//! Kept is what the workload asked for and was granted, unless the kernel asked on its own
//! account. A denied check is no need: the subject passed without it. The runtime's own checks do
//! not count, as it drops its capabilities before the workload begins.

use std::collections::{BTreeMap, BTreeSet};

use super::warning::{GenerateError, Warning};
use super::{classify, input};
use crate::capabilities::{CapabilityList, Evidence, short};
use crate::recording::{CapabilityCheck, Phase, Recording, Text};

/// The capabilities with which the recorded subject passes again. The order of the recordings is
/// immaterial, and the same recordings make the same list.
pub fn capabilities(
    recordings: &[Recording],
) -> Result<(CapabilityList, Vec<Warning>), GenerateError> {
    input::check(recordings)?;
    let mut observed_by = BTreeSet::new();
    for recording in recordings {
        let hook = recording.capabilities.observed_by.as_deref();
        observed_by.insert(hook.ok_or(GenerateError::CapabilitiesNotObserved)?);
    }
    let mut warnings = input::warnings(recordings);

    let mut needed: BTreeMap<String, BTreeMap<Way, Witness>> = BTreeMap::new();
    let mut not_needed: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let mut numbers: BTreeSet<String> = BTreeSet::new();
    for (recording, check) in relevant(recordings) {
        if check.stack.is_empty() {
            warnings.insert(Warning::NoKernelSymbols);
        }
        let name = short(&check.capability).to_owned();
        if let Some(reason) = classify::opportunistic(check) {
            not_needed.entry(name).or_default().insert(reason);
        } else if !check.granted {
            refused.insert(name);
        } else if input::is_number(&name) {
            numbers.insert(name);
        } else {
            let ways = needed.entry(name).or_default();
            ways.entry(Way::of(check))
                .or_default()
                .add(recording, check);
        }
    }
    if !numbers.is_empty() {
        warnings.insert(Warning::UnknownCapabilities { numbers });
    }

    not_needed.retain(|name, _| !needed.contains_key(name));
    refused.retain(|name| !needed.contains_key(name));
    let list = CapabilityList {
        drop: vec!["ALL".to_owned()],
        add: needed.keys().cloned().collect(),
        no_new_privileges: input::no_new_privileges(recordings),
        observed_by: Some(observed_by.into_iter().collect::<Vec<_>>().join(", ")),
        evidence: needed
            .into_iter()
            .map(|(name, ways)| (name, ways.into_iter().map(evidence).collect()))
            .collect(),
        not_needed: not_needed
            .into_iter()
            .map(|(name, reasons)| (name, reasons.into_iter().map(str::to_owned).collect()))
            .collect(),
        refused_when_recorded: refused.into_iter().collect(),
    };
    Ok((list, warnings.into_iter().collect()))
}

/// The workload's, of its own credentials: borrowed ones (overlayfs works with the mounter's) and
/// other namespaces' ask nothing of the container.
fn relevant(recordings: &[Recording]) -> impl Iterator<Item = (usize, &CapabilityCheck)> {
    recordings
        .iter()
        .enumerate()
        .flat_map(|(index, recording)| {
            let checks = recording.capabilities.checks.iter();
            checks.map(move |check| (index, check))
        })
        .filter(|(_, check)| check.phase != Phase::Runtime)
        .filter(|(_, check)| check.own_namespace && check.own_credentials)
}

/// What tells two pieces of evidence apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    phase: Phase,
    architecture: String,
    syscall: Option<String>,
    asked_by: Option<String>,
}

impl Way {
    fn of(check: &CapabilityCheck) -> Self {
        Self {
            phase: check.phase,
            architecture: check.architecture.clone(),
            syscall: check.syscall.clone(),
            asked_by: check.stack.first().cloned(),
        }
    }
}

#[derive(Default)]
struct Witness {
    /// Which recording, which run of it.
    runs: BTreeSet<(usize, u32)>,
    /// The first by name: which came first in time says nothing across recordings.
    seen: Option<(Text, Option<Text>)>,
}

impl Witness {
    fn add(&mut self, recording: usize, check: &CapabilityCheck) {
        self.runs
            .extend(check.seen.runs.iter().map(|&run| (recording, run)));
        let other = check
            .seen
            .first
            .as_ref()
            .map(|first| (first.comm.clone(), first.exe.clone()));
        self.seen = match (self.seen.take(), other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

fn evidence((way, witness): (Way, Witness)) -> Evidence {
    let (comm, exe) = witness
        .seen
        .map_or((None, None), |(comm, exe)| (Some(comm), exe));
    Evidence {
        syscall: way.syscall,
        architecture: way.architecture,
        phase: way.phase,
        asked_by: way.asked_by,
        comm,
        exe,
        runs: witness.runs.len(),
    }
}
