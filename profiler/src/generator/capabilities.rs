//! Recordings in, the capabilities to keep out.
//!
//! Kept is what the workload asked for and was granted, unless the kernel asked on its own
//! account. A denied check is no need: the subject passed without it. The runtime's own checks do
//! not count, as it drops its capabilities before the workload begins.

use std::collections::{BTreeMap, BTreeSet};

use super::warning::{GenerateError, Warning};
use super::{classify, input};
use crate::capabilities::{CapabilityList, Evidence, short};
use crate::recording::{Caller, CapabilityCheck, Phase, Recording, Text};

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
            for caller in subject_callers(check) {
                let witness = ways.entry(Way::of(check, caller)).or_default();
                witness.add(recording, caller);
            }
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

/// Those of own credentials: borrowed ones (overlayfs works with the mounter's) and other
/// namespaces' ask nothing of the container.
fn relevant(recordings: &[Recording]) -> impl Iterator<Item = (usize, &CapabilityCheck)> {
    recordings
        .iter()
        .enumerate()
        .flat_map(|(index, recording)| {
            let checks = recording.capabilities.checks.iter();
            checks.map(move |check| (index, check))
        })
        .filter(|(_, check)| check.own_namespace && check.own_credentials)
        .filter(|(_, check)| subject_callers(check).next().is_some())
}

/// Not the container runtime.
fn subject_callers(check: &CapabilityCheck) -> impl Iterator<Item = &Caller> {
    let callers = check.callers.iter();
    callers.filter(|caller| caller.phase != Phase::Runtime)
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
    fn of(check: &CapabilityCheck, caller: &Caller) -> Self {
        Self {
            phase: caller.phase,
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
    /// comm and executable.
    callers: BTreeSet<(Option<Text>, Option<Text>)>,
}

impl Witness {
    fn add(&mut self, recording: usize, caller: &Caller) {
        self.runs
            .extend(caller.runs.iter().map(|&run| (recording, run)));
        let comm = caller.first.as_ref().map(|first| first.comm.clone());
        self.callers.insert((comm, caller.exe.clone()));
    }

    /// The first by name, of those whose names are known: which came first in time says nothing
    /// across recordings.
    fn best(self) -> (Option<Text>, Option<Text>) {
        self.callers
            .into_iter()
            .min_by_key(|(comm, exe)| (comm.is_none(), exe.is_none()))
            .unwrap_or_default()
    }
}

fn evidence((way, witness): (Way, Witness)) -> Evidence {
    let runs = witness.runs.len();
    let (comm, exe) = witness.best();
    Evidence {
        syscall: way.syscall,
        architecture: way.architecture,
        phase: way.phase,
        asked_by: way.asked_by,
        comm,
        exe,
        runs,
    }
}
