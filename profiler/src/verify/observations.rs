//! What was seen while a subject ran enforced.

use std::collections::BTreeSet;

use crate::recording::{Phase, Text};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    pub denials: Vec<Denial>,
    pub capability_denials: Vec<CapabilityDenial>,
    /// In order; empty where a command ran without an engine.
    pub starts: Vec<Start>,
    /// The test's or the command's exit code; 128 + N where signal N ended it. `None`: there was
    /// none, or no start came so far.
    pub exit_code: Option<i32>,
    pub lost: Lost,
}

/// A call that the filter answered instead of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// `SCMP_ARCH_X86_64`
    pub architecture: String,
    pub syscall: String,
    /// Without the x32 bit.
    pub number: i32,
    pub answer: Answer,
    pub count: u64,
    pub phase: Phase,
    pub comm: Text,
    pub exe: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    Errno(i32),
    /// SIGSYS: the filter kills or traps.
    Signal,
}

impl Answer {
    /// From a call's result as sys_exit shows it: a negative errno; the call's own number where a
    /// signal is under way.
    pub fn from_result(result: i32) -> Self {
        if result < 0 {
            Self::Errno(-result)
        } else {
            Self::Signal
        }
    }
}

/// A capability check that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityDenial {
    /// Without `CAP_`.
    pub capability: String,
    /// The call in flight; absent where there was none.
    pub syscall: Option<String>,
    pub count: u64,
    pub phase: Phase,
    pub own_namespace: bool,
    pub own_credentials: bool,
    /// Why the kernel asks this on its own account, where it does.
    pub opportunistic: Option<String>,
    pub comm: Text,
    pub exe: Option<Text>,
}

/// The capability list that was enforced. Names without `CAP_`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityRules {
    pub added: BTreeSet<String>,
    /// Refused while recording too, and the subject passed.
    pub refused_when_recorded: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Up, and ready where there is a health check.
    Ready,
    /// The engine's words.
    Refused(Text),
    /// Ended by itself before it was ready; 128 + N where signal N ended it.
    Ended(i32),
    /// The last health check's words.
    Unhealthy(Text),
}

/// What could not be kept, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    pub denials: u64,
    /// Processes that were not watched.
    pub processes: u64,
    /// Calls in flight that did not fit, or were not shown: a denial may be missing or invented.
    pub in_flight: u64,
    pub capability_checks: u64,
    /// Nested cgroups that were not watched.
    pub cgroups: u64,
}

impl Lost {
    pub fn any(self) -> bool {
        self != Self::default()
    }
}
