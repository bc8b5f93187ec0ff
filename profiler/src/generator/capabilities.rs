//! Recordings in, the capabilities to keep out.
//!
//! Kept is what the workload asked for and was granted, unless the rules say that it does without.
//! A denied check is no need: the subject passed without it. The runtime's own checks do not count,
//! as it drops its capabilities before the workload begins.

use std::collections::{BTreeMap, BTreeSet};

use super::classify::{Judgement, asker, judge};
use super::input::{self, Mode};
use super::notes::notes;
use super::warning::{GenerateError, Warning};
use crate::capabilities::{self, Asked, CapabilityList, Decision, Program, Use, Verdict, short};
use crate::recording::{Caller, CapabilityCheck, Phase, Recording, command_line};
use crate::words;

/// The capabilities with which the recorded subject passes again. The order of the recordings is
/// immaterial, and the same recordings make the same list. `no_new_privileges`: whether it is for use
/// with it; `None`: as it was recorded.
pub fn capabilities(
    recordings: &[Recording],
    no_new_privileges: Option<bool>,
) -> Result<(CapabilityList, Vec<Warning>), GenerateError> {
    input::check(recordings)?;
    let mut observed_by = BTreeSet::new();
    for recording in recordings {
        let hook = recording.capabilities.observed_by.as_deref();
        observed_by.insert(hook.ok_or(GenerateError::CapabilitiesNotObserved)?);
    }
    let mode = Mode::of(recordings, no_new_privileges);
    let mut warnings = input::warnings(recordings, mode);

    let mut ways: BTreeMap<String, BTreeMap<Way, Witness>> = BTreeMap::new();
    let mut numbers: BTreeSet<String> = BTreeSet::new();
    for (index, recording, check) in relevant(recordings) {
        if check.stack.is_empty() {
            warnings.insert(Warning::NoKernelSymbols);
        }
        let judgement = judge(check);
        let name = short(&check.capability).to_owned();
        if input::is_number(&name) {
            // No engine can add it.
            if check.granted && !judgement.is_dispensable {
                numbers.insert(name);
            }
            continue;
        }
        let ways = ways.entry(name).or_default();
        for caller in subject_callers(check) {
            let way = Way::of(recording, check, caller, judgement);
            let witness = ways.entry(way).or_default();
            witness.add(index, check, caller);
        }
    }
    if !numbers.is_empty() {
        warnings.insert(Warning::UnknownCapabilities { numbers });
    }

    let kept = kept(&ways);
    let refused_when_recorded = ways.iter().filter(|(name, ways)| {
        !kept.contains(*name) && ways.keys().any(|way| way.is_refused && !way.is_dispensable)
    });
    let list = CapabilityList {
        format: capabilities::FORMAT.to_owned(),
        version: capabilities::VERSION,
        drop: vec!["ALL".to_owned()],
        add: kept.iter().cloned().collect(),
        no_new_privileges: mode.wanted,
        observed_by: Some(words::list(observed_by)),
        refused_when_recorded: refused_when_recorded
            .map(|(name, _)| name.clone())
            .collect(),
        notes: notes(recordings, ways.contains_key("NET_BIND_SERVICE")),
        asked: ways
            .into_iter()
            .map(|(name, ways)| {
                let asked = asked(kept.contains(&name), ways, &kept);
                (name, asked)
            })
            .collect(),
    };
    Ok((list, warnings.into_iter().collect()))
}

/// Who of the subject needs the capability for it; nobody where it was refused, or can be done without.
pub fn needed_by(check: &CapabilityCheck) -> impl Iterator<Item = &Caller> {
    let is_need = check.granted && is_own(check) && !judge(check).is_dispensable;
    subject_callers(check).filter(move |_| is_need)
}

fn relevant(
    recordings: &[Recording],
) -> impl Iterator<Item = (usize, &Recording, &CapabilityCheck)> {
    recordings
        .iter()
        .enumerate()
        .flat_map(|(index, recording)| {
            let checks = recording.capabilities.checks.iter();
            checks.map(move |check| (index, recording, check))
        })
        .filter(|(_, _, check)| is_own(check))
        .filter(|(_, _, check)| subject_callers(check).next().is_some())
}

/// Of own credentials: borrowed ones (overlayfs works with the mounter's) and other namespaces' ask
/// nothing of the container.
fn is_own(check: &CapabilityCheck) -> bool {
    check.own_namespace && check.own_credentials
}

/// Not the container runtime.
fn subject_callers(check: &CapabilityCheck) -> impl Iterator<Item = &Caller> {
    let callers = check.callers.iter();
    callers.filter(|caller| caller.phase != Phase::Runtime)
}

/// First what is needed by itself, then what nothing of that covers.
fn kept(ways: &BTreeMap<String, BTreeMap<Way, Witness>>) -> BTreeSet<String> {
    let with = |is_reason: &dyn Fn(&Way) -> bool| -> BTreeSet<String> {
        let kept = ways.iter().filter(|(_, ways)| {
            let mut reasons = ways
                .keys()
                .filter(|way| !way.is_refused && !way.is_dispensable);
            reasons.any(is_reason)
        });
        kept.map(|(name, _)| name.clone()).collect()
    };
    let by_itself = with(&|way| way.covered_by.is_none());
    with(&|way| {
        way.covered_by
            .is_none_or(|cover| !by_itself.contains(short(cover)))
    })
}

fn asked(is_kept: bool, ways: BTreeMap<Way, Witness>, kept: &BTreeSet<String>) -> Asked {
    let was_granted = ways.keys().any(|way| !way.is_refused);
    let verdict = ways
        .keys()
        .filter(|way| !(way.is_refused && was_granted))
        .map(|way| way.verdict)
        .min()
        .unwrap_or(Verdict::Needed);
    let wanted = || {
        ways.keys()
            .filter(|way| !way.is_refused && !way.is_dispensable)
    };
    let covered_by = wanted()
        .filter_map(|way| way.covered_by)
        .map(|cover| short(cover).to_owned())
        .find(|cover| !is_kept && kept.contains(cover));
    let because = match (is_kept, verdict) {
        (true, Verdict::Needed) => "granted, and a refusal would be an error".to_owned(),
        (true, _) => "granted, and what a refusal changes only trying tells".to_owned(),
        (false, _) if covered_by.is_some() => format!(
            "{} is kept and allows the same",
            covered_by.as_deref().unwrap_or_default()
        ),
        (false, Verdict::Opportunistic) => "asked only on the kernel's own account".to_owned(),
        (false, _) if was_granted => "asked only for what can be done without".to_owned(),
        (false, _) => "refused while recording".to_owned(),
    };
    Asked {
        decision: if is_kept {
            Decision::Keep
        } else {
            Decision::Drop
        },
        verdict,
        because,
        covered_by,
        uses: ways.into_iter().map(usage).collect(),
        confirmed_by: None,
    }
}

/// What tells two uses apart, in the order in which they are told.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    verdict: Verdict,
    is_refused: bool,
    phase: Phase,
    session: Option<String>,
    architecture: String,
    asked_by: Option<String>,
    reason: &'static str,
    source: Option<&'static str>,
    is_dispensable: bool,
    covered_by: Option<&'static str>,
}

impl Way {
    fn of(
        recording: &Recording,
        check: &CapabilityCheck,
        caller: &Caller,
        judgement: Judgement,
    ) -> Self {
        let sessions = &recording.sessions;
        let session = sessions.iter().find(|s| caller.session == Some(s.id));
        Self {
            verdict: judgement.verdict,
            is_refused: !check.granted,
            phase: caller.phase,
            session: session.map(|session| command_line(&session.argv)),
            architecture: check.architecture.clone(),
            asked_by: asker(check).map(str::to_owned),
            reason: judgement.reason,
            source: judgement.source,
            is_dispensable: judgement.is_dispensable,
            covered_by: judgement.covered_by,
        }
    }
}

#[derive(Default)]
struct Witness {
    /// Which recording, which run of it.
    runs: BTreeSet<(usize, u32)>,
    programs: BTreeSet<Program>,
    syscalls: BTreeSet<String>,
}

impl Witness {
    fn add(&mut self, recording: usize, check: &CapabilityCheck, caller: &Caller) {
        self.runs
            .extend(caller.runs.iter().map(|&run| (recording, run)));
        self.programs.insert(Program {
            exe: caller.exe.clone(),
            comm: caller.first.as_ref().map(|first| first.comm.clone()),
        });
        self.syscalls.extend(check.syscall.clone());
    }
}

fn usage((way, witness): (Way, Witness)) -> Use {
    Use {
        verdict: way.verdict,
        granted: !way.is_refused,
        syscalls: witness.syscalls.into_iter().collect(),
        architecture: way.architecture,
        phase: way.phase,
        session: way.session,
        asked_by: way.asked_by,
        programs: witness.programs.into_iter().collect(),
        runs: witness.runs.len(),
        reason: way.reason.to_owned(),
        source: way.source.map(str::to_owned),
    }
}
