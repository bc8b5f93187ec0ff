//! Capability checks to their section of the recording, stacks by name.

use std::collections::BTreeMap;

use profiler_common::{
    Abi, CHECK_OWN_CREDENTIALS, CHECK_OWN_NAMESPACE, CapabilityKey, OPT_NO_AUDIT, OPTS_UNSEEN,
};

use super::{RunClock, Sessions, add};
use crate::kernel::{CapabilitySighting, ProgramFacts, Symbols};
use crate::names;
use crate::recording::CapabilityCheck;

/// In a stable order. Checks whose stacks differ in addresses only are one.
pub fn capability_checks(
    clock: RunClock,
    programs: &[ProgramFacts],
    sessions: &Sessions,
    symbols: &Symbols,
) -> Vec<CapabilityCheck> {
    let mut checks: BTreeMap<_, CapabilityCheck> = BTreeMap::new();
    for program in programs {
        for sighting in &program.capabilities {
            let Some(check) = check(sighting, symbols) else {
                continue;
            };
            let identity = (
                check.capability.clone(),
                check.granted,
                check.syscall.clone(),
                check.architecture.clone(),
                check.stack.clone(),
                (check.own_namespace, check.own_credentials, check.no_audit),
            );
            let seen = &sighting.seen;
            let first = clock.sighting(seen.time_ns, seen.process, &seen.comm, Vec::new());
            let caller = clock.caller(program, sessions, Some(first));
            add(&mut checks.entry(identity).or_insert(check).callers, caller);
        }
    }
    checks
        .into_values()
        .map(|mut check| {
            check
                .callers
                .sort_by(|a, b| a.identity().cmp(&b.identity()));
            check
        })
        .collect()
}

/// Without callers. `None` for an index that no version of the programs writes.
pub(crate) fn check(sighting: &CapabilitySighting, symbols: &Symbols) -> Option<CapabilityCheck> {
    let CapabilityKey {
        stack,
        number,
        abi,
        capability,
        granted,
        flags,
        opts,
        ..
    } = sighting.key;
    let abi = Abi::from_index(abi)?;
    Some(CapabilityCheck {
        capability: names::capability(capability),
        granted: granted != 0,
        // orig_ax is -1 outside of any call.
        syscall: (number != -1).then(|| names::syscall(abi, number)),
        architecture: names::architecture(abi).to_owned(),
        own_namespace: flags & CHECK_OWN_NAMESPACE != 0,
        own_credentials: flags & CHECK_OWN_CREDENTIALS != 0,
        no_audit: (opts != OPTS_UNSEEN).then_some(opts & OPT_NO_AUDIT != 0),
        stack: symbols.askers(&stack),
        callers: Vec::new(),
    })
}
