//! What a newer profile, recording or capability list allows that an older one did not, and the
//! other way round: by what they mean, not by how they are written.
//!
//! Pure. A recording stands for what `generate` makes of it, with its evidence. It judges nothing
//! but by `profiles/risk.json`, and asks no engine and no kernel.

mod calls;
mod evidence;
mod side;

use std::collections::BTreeSet;

pub use calls::{Answers, CallChange, Change};
pub use evidence::{Asker, Evidence};
pub use side::Side;

use crate::capabilities;
use crate::profile::evaluate::{Evaluator, Refusal, TooMany};
use crate::profile::{Profile, Runtime};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    pub architectures: Vec<SetChange>,
    pub calls: Vec<CallChange>,
    /// Empty too where only one of both says which.
    pub capabilities: Vec<SetChange>,
}

/// An architecture that only one of both lists; a capability that only one of both keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetChange {
    pub name: String,
    pub is_added: bool,
    /// Who asked for it, where a recording tells.
    pub evidence: Option<Evidence>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    #[error("OLD: {0}")]
    Old(Refusal),
    #[error("NEW: {0}")]
    New(Refusal),
    #[error("the rules for {call} cannot be compared: {reason}; write them with fewer masks")]
    TooMany { call: String, reason: TooMany },
    #[error(
        "a capability list and a profile have nothing in common; name two profiles, two lists, or a recording, which has both"
    )]
    NothingInCommon,
    #[error(
        "the recordings were made on different machines ({old}, {new}): their calls cannot be compared"
    )]
    DifferentMachines { old: String, new: String },
}

/// Whoever names the newer one first is told the opposite of what changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "NEW was recorded before OLD (from {new} and from {old}): if they are swapped, so is all that is said here"
)]
pub struct Swapped {
    /// When its first run began.
    old: String,
    new: String,
}

impl Swapped {
    /// Where all runs of the newer one are older; only recordings say when they were made.
    pub fn find(old: &Side, new: &Side) -> Option<Self> {
        let (older, newer) = (old.began()?, new.began()?);
        (newer.1 < older.0).then(|| Self {
            old: older.0.to_owned(),
            new: newer.0.to_owned(),
        })
    }
}

impl Diff {
    pub fn is_empty(&self) -> bool {
        self.architectures.is_empty() && self.calls.is_empty() && self.capabilities.is_empty()
    }

    /// Whether the newer one allows anything that the older one did not; what may be chance does
    /// not count.
    pub fn is_wider(&self) -> bool {
        let sets = self.architectures.iter().chain(&self.capabilities);
        let is_added = sets.into_iter().any(|change| change.is_added);
        let calls = self.calls.iter().filter(|call| !call.may_be_chance);
        is_added || calls.into_iter().any(|call| call.change.widens())
    }

    /// Whether anything is left but what may be chance.
    pub fn is_changed(&self) -> bool {
        let calls = self.calls.iter();
        !self.architectures.is_empty()
            || !self.capabilities.is_empty()
            || calls.into_iter().any(|call| !call.may_be_chance)
    }
}

pub fn diff(old: &Side, new: &Side) -> Result<Diff, DiffError> {
    let machine = |side: &Side| side.recording.as_ref().map(|r| r.host.machine.clone());
    if let (Some(old), Some(new)) = (machine(old), machine(new))
        && old != new
    {
        return Err(DiffError::DifferentMachines { old, new });
    }
    let profiles = old.profile.as_ref().zip(new.profile.as_ref());
    let lists = old.capabilities.as_ref().zip(new.capabilities.as_ref());
    if profiles.is_none() && lists.is_none() {
        return Err(DiffError::NothingInCommon);
    }
    let mut diff = Diff::default();
    if let Some((older, newer)) = profiles {
        let evaluator = |profile: &Profile| Evaluator::new(profile, Runtime::Runc1_2);
        let older = evaluator(older).map_err(DiffError::Old)?;
        let newer = evaluator(newer).map_err(DiffError::New)?;
        (diff.architectures, diff.calls) = calls::compare(&older, &newer)?;
        for call in &mut diff.calls {
            call.explain(old, new);
        }
    }
    if let Some((older, newer)) = lists {
        diff.capabilities = of_capabilities(older, newer, old, new);
    }
    Ok(diff)
}

fn of_capabilities(
    older: &BTreeSet<String>,
    newer: &BTreeSet<String>,
    old: &Side,
    new: &Side,
) -> Vec<SetChange> {
    let differing = older.symmetric_difference(newer);
    let told = differing.map(|name| {
        let is_added = newer.contains(name);
        let side = if is_added { new } else { old };
        let recording = side.recording.as_ref();
        SetChange {
            name: name.clone(),
            is_added,
            evidence: recording.map(|recording| {
                let checks = recording.capabilities.checks.iter();
                let granted = checks.filter(|check| {
                    check.granted && capabilities::short(&check.capability) == name
                });
                Evidence::of(recording, granted.flat_map(|check| &check.callers))
            }),
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests;
