//! What a container's start calls and no recording shows, as it was measured.

use std::collections::{BTreeMap, BTreeSet};

use super::floor::{Needed, names_of_shipped};
use super::input::{self, Calls, Mode};
use super::syscalls::{Options, allow, always_calls};
use super::tables::START_UP;
use super::warning::{GenerateError, Warning};
use crate::profile::Rule;
use crate::recording::{Assumption, Recording};

#[derive(Debug, Default)]
pub(super) struct StandIn {
    /// For what was not seen.
    pub(super) rules: Vec<Rule>,
    /// All that it stands for, seen or not, with arguments that nobody has measured.
    pub(super) calls: BTreeSet<String>,
    pub(super) warning: Option<Warning>,
}

/// Makes the calls known to `calls`.
pub(super) fn stand_in(
    calls: &mut Calls,
    recordings: &[Recording],
    options: Options<'_>,
    mode: Mode,
) -> Result<StandIn, GenerateError> {
    let is_unseen = input::tail_is_unseen(recordings, mode.wanted);
    let warn = |warning| StandIn {
        warning: Some(warning),
        ..StandIn::default()
    };
    let Some(floor) = options.floor else {
        let known = names_of_shipped();
        return match (is_unseen, mode.is_other()) {
            (false, _) => Ok(StandIn::default()),
            (true, false) => Ok(warn(Warning::RuntimeTailUnseen { known })),
            (true, true) => Err(GenerateError::RuntimeUnknown { known }),
        };
    };
    let runtime = floor.name().to_owned();
    let needed = Needed {
        // What was seen without no-new-privileges need not be all of what is called with it.
        tail: (is_unseen || mode.is_other()).then_some(mode.wanted),
        init: options.init,
    };
    if needed.is_nothing() {
        return Ok(warn(Warning::FloorNotNeeded { runtime }));
    }

    // Those have a rule already, with a reason that says more.
    let always: BTreeSet<&str> = always_calls(calls, true)
        .map(|call| call.name.as_str())
        .collect();
    let mut found = StandIn::default();
    let mut unseen: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (name, origin) in floor.calls(needed) {
        found.calls.insert(name.to_owned());
        if !calls.named.contains_key(name) && !always.contains(name) {
            unseen.entry(origin).or_default().push(name.to_owned());
        }
    }
    let reason = |origin| floor.reason(origin);
    let mut groups: Vec<(String, Vec<String>)> = unseen
        .into_iter()
        .map(|(origin, names)| (reason(origin), names))
        .collect();
    if is_unseen && input::stands(recordings, Assumption::StartUpUnseen) {
        let program = START_UP.program.iter().map(|call| call.name.clone());
        let names: Vec<String> = program
            .filter(|name| !calls.named.contains_key(name) && !found.calls.contains(name))
            .collect();
        found.calls.extend(names.iter().cloned());
        groups.push((START_UP.program_reason.clone(), names));
    }
    let mut count = 0;
    for (reason, names) in groups {
        count += names.len();
        for name in &names {
            calls.named.entry(name.clone()).or_default();
        }
        found.rules.extend(allow(names, &reason));
    }
    let architectures = floor.architectures().map(str::to_owned);
    calls.architectures.extend(architectures);
    found.warning = Some(Warning::Floor { runtime, count });
    Ok(found)
}
