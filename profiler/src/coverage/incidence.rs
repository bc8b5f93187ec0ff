//! Which runs showed what: of a profile's needs, not of all that was seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::generator;
use crate::recording::{Caller, Phase, Recording};

/// By name, the ids of the runs that it was seen in; none of them empty.
pub(super) type Things = BTreeMap<String, BTreeSet<u32>>;

/// What every profile allows anyway is no news when it comes.
pub(super) fn calls(recording: &Recording, of: impl Fn(Phase) -> bool) -> Things {
    let mut things = Things::new();
    for (architecture, calls) in &recording.architectures {
        for (name, call) in calls {
            if generator::is_always_allowed(name, &recording.subject) {
                continue;
            }
            let callers = call.callers.iter().filter(|caller| of(caller.phase));
            let name = if recording.architectures.len() == 1 {
                name.clone()
            } else {
                format!("{name} ({architecture})")
            };
            add(&mut things, name, callers);
        }
    }
    things
}

/// Those that a list keeps. `None` where not all were observed.
pub(super) fn capabilities(recording: &Recording) -> Option<Things> {
    recording.capabilities.observed_by.as_ref()?;
    let mut things = Things::new();
    for check in &recording.capabilities.checks {
        let name = check.capability.clone();
        add(&mut things, name, generator::needed_by(check));
    }
    Some(things)
}

fn add<'a>(things: &mut Things, name: String, callers: impl Iterator<Item = &'a Caller>) {
    let runs: BTreeSet<u32> = callers.flat_map(|caller| caller.runs.clone()).collect();
    if !runs.is_empty() {
        things.entry(name).or_default().extend(runs);
    }
}
