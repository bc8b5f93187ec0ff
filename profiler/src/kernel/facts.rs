//! What was read out of the maps, as plain values.

use profiler_common::{
    Abi, CapabilityKey, CapabilitySeen, DenialKey, DenialSeen, FirstSeen, Phase,
};

/// Everything that is known of one slot.
#[derive(Clone, Default)]
pub struct Facts {
    /// Complete whatever else was lost, but for [`LossCounts::stray_calls`].
    pub calls: Vec<SeenCall>,
    /// Who made a call first; may lack some ([`LossCounts::events`]), may tell of one twice.
    pub first_seen: Vec<FirstSeen>,
    pub capabilities: Vec<CapabilitySighting>,
    pub denials: Vec<DenialSighting>,
    /// Of all slots together.
    pub losses: LossCounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeenCall {
    pub abi: Abi,
    pub phase: Phase,
    /// Without the x32 bit.
    pub number: i32,
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
}
