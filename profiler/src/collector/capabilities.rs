//! Capability checks to their section of the recording, stacks by name.

use std::collections::BTreeMap;

use profiler_common::{Abi, CHECK_OWN_CREDENTIALS, CHECK_OWN_NAMESPACE, CapabilityKey, Phase};

use super::RunClock;
use crate::kernel::{CapabilitySighting, Symbols};
use crate::names;
use crate::recording::{Caller, CapabilityCheck, Text};

/// In a stable order. Checks whose stacks differ in addresses only are one.
pub fn capability_checks(
    clock: RunClock,
    sightings: &[CapabilitySighting],
    symbols: &Symbols,
) -> Vec<CapabilityCheck> {
    let mut sightings = sightings.to_vec();
    sightings.sort_by_key(|sighting| sighting.seen.time_ns);
    let mut checks = BTreeMap::new();
    for sighting in sightings {
        let Some(check) = check(clock, &sighting, symbols) else {
            continue;
        };
        let identity = (
            check.capability.clone(),
            check.granted,
            check.syscall.clone(),
            check.architecture.clone(),
            check.callers[0].phase,
            check.stack.clone(),
            (check.own_namespace, check.own_credentials),
        );
        checks.entry(identity).or_insert(check);
    }
    checks.into_values().collect()
}

/// `None` for an index that no version of the programs writes.
fn check(
    clock: RunClock,
    sighting: &CapabilitySighting,
    symbols: &Symbols,
) -> Option<CapabilityCheck> {
    let CapabilityKey {
        stack,
        number,
        abi,
        phase,
        capability,
        granted,
        flags,
        ..
    } = sighting.key;
    let abi = Abi::from_index(abi)?;
    let seen = &sighting.seen;
    Some(CapabilityCheck {
        capability: names::capability(capability),
        granted: granted != 0,
        // orig_ax is -1 outside of any call.
        syscall: (number != -1).then(|| names::syscall(abi, number)),
        architecture: names::architecture(abi).to_owned(),
        own_namespace: flags & CHECK_OWN_NAMESPACE != 0,
        own_credentials: flags & CHECK_OWN_CREDENTIALS != 0,
        stack: symbols.askers(&stack),
        callers: vec![Caller {
            phase: super::phase(Phase::from_index(phase)?),
            session: None,
            exe: Text::from_c_bytes(&seen.exe),
            runs: vec![clock.run],
            first: Some(clock.sighting(seen.time_ns, seen.process, &seen.comm, Vec::new())),
        }],
    })
}
