//! What becomes of a call that no rule allows.

use super::base::Base;
use crate::profile::{Action, Profile, Rule};
use crate::recording::ARCHITECTURES;

pub(super) const EPERM: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// EPERM
    Errno,
    Kill,
    Trap,
    /// Passes, and the kernel logs it. Calls that are answered ENOSYS still are.
    Log,
    /// Passes, and the kernel logs it, whatever the call.
    LogAll,
}

/// `None`: as the base has it.
pub(super) fn default(refusal: Option<Refusal>, base: Option<&Base>) -> (Action, Option<u32>) {
    match (refusal, base) {
        (None, Some(base)) => base.default(),
        (None | Some(Refusal::Errno), _) => (Action::Errno, Some(EPERM)),
        (Some(Refusal::Kill), _) => (Action::KillProcess, None),
        (Some(Refusal::Trap), _) => (Action::Trap, None),
        (Some(Refusal::Log | Refusal::LogAll), _) => (Action::Log, None),
    }
}

/// Where nothing is to be refused, nothing is.
pub(super) fn open(profile: &mut Profile, refusal: Option<Refusal>) {
    if refusal == Some(Refusal::LogAll) {
        profile.syscalls.retain(Rule::lets_through);
    }
    // A filter kills what calls by an architecture that it does not list.
    let is_x86 = |name: &String| ARCHITECTURES.contains(&name.as_str());
    if profile.default_action == Action::Log && profile.architectures.iter().any(is_x86) {
        let others = profile.architectures.clone().into_iter();
        let all = ARCHITECTURES.map(str::to_owned).into_iter();
        profile.architectures = all.chain(others.filter(|name| !is_x86(name))).collect();
    }
}
