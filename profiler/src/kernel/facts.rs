//! What was read out of the maps, as plain values.

use profiler_common::{
    Abi, CapabilityKey, CapabilitySeen, DenialKey, DenialSeen, FirstSeen, NOTED_ARGUMENTS, Phase,
};

/// Everything that is known of one scope.
#[derive(Clone, Default)]
pub struct Facts {
    pub programs: Vec<ProgramFacts>,
    pub sessions: Vec<SessionFacts>,
    /// Of all scopes together.
    pub losses: LossCounts,
}

/// What one executable did, in one phase and session.
#[derive(Clone)]
pub struct ProgramFacts {
    pub phase: Phase,
    /// [`SessionFacts::id`]; `None` in other phases, and where sessions overflowed.
    pub session: Option<u32>,
    /// As given to exec, NUL-terminated; empty where it is not known.
    pub exe: Vec<u8>,
    /// Complete whatever else was lost, but for [`LossCounts::stray_calls`] and
    /// [`LossCounts::processes`].
    pub calls: Vec<SeenCall>,
    /// Who made a call first; may lack some ([`LossCounts::events`]), may tell of one twice.
    pub first_seen: Vec<FirstSeen>,
    /// Of the calls in the catalogue; one that is missing did not fit.
    pub arguments: Vec<ArgumentFacts>,
    pub capabilities: Vec<CapabilitySighting>,
    /// An exec of it gained privileges: set-id, file capabilities.
    pub gained: bool,
    /// Below 1024, that it asked to bind.
    pub low_ports: Vec<u16>,
    pub denials: Vec<DenialSighting>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    pub id: u32,
    /// Its command line, arguments NUL-separated, cut after [`profiler_common::ARGV_LEN`] bytes.
    pub argv: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeenCall {
    pub abi: Abi,
    /// Without the x32 bit.
    pub number: i32,
}

/// With which arguments a call was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentFacts {
    pub call: SeenCall,
    /// In the catalogue's order, masked; in no order, each once.
    pub combinations: Vec<[u32; NOTED_ARGUMENTS]>,
    /// There were more than could be kept.
    pub overflowed: bool,
}

#[derive(Clone, Copy)]
pub struct CapabilitySighting {
    pub key: CapabilityKey,
    pub seen: CapabilitySeen,
}

#[derive(Clone, Copy)]
pub struct DenialSighting {
    pub key: DenialKey,
    pub seen: DenialSeen,
}

/// What did not fit; see [`profiler_common::Loss`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCounts {
    pub events: u64,
    pub processes: u64,
    pub stray_calls: u64,
    pub capability_checks: u64,
    pub cgroups: u64,
    pub denials: u64,
    pub in_flight: u64,
    pub programs: u64,
    pub sessions: u64,
    pub scopes: u64,
    pub low_ports: u64,
    pub arguments: u64,
    /// Not for want of room: the kernel did not run a program.
    pub unshown: u64,
}

/// How far a scope has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeFacts {
    pub scope: super::ScopeId,
    /// The root's path in the v2 hierarchy; empty for a scope that was registered by hand, and
    /// where kernel strings must not be read.
    pub path: Vec<u8>,
    /// Nanoseconds of CLOCK_BOOTTIME.
    pub born_ns: u64,
    /// When its first program began; `None`: not yet, or before it was watched.
    pub began_ns: Option<u64>,
    /// When its cgroup was removed.
    pub ended_ns: Option<u64>,
    /// What the workload began with; `None` while it has not begun, or began unseen.
    pub began_with: Option<BeganWith>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeganWith {
    pub filtered: bool,
    pub no_new_privileges: bool,
    pub bounding_set: u64,
}
