//! The catalogue, as the kernel side has it.

use std::collections::HashMap as ByCall;

use aya::Ebpf;
use aya::maps::{Array, MapData};
use profiler_common::{
    ALWAYS, Abi, NOTED_ARGUMENTS, NOTED_NUMBERS, NotedArgument, NotedCall, NotedKey, ONLY_WHERE,
};

use super::ObserverError;
use super::maps::{Maps, map_error, typed};
use crate::arguments::{CATALOGUE, CatalogueCall};
use crate::kernel::{ArgumentFacts, SeenCall};

const CALLS: &str = "CATALOGUE";
const INDEX: &str = "CATALOGUE_INDEX";

/// Before anything is attached.
pub(super) fn fill_catalogue(ebpf: &mut Ebpf) -> Result<(), ObserverError> {
    let failed = |source| map_error(CALLS, source);
    let mut calls: Array<&mut MapData, NotedCall> = typed(CALLS, ebpf.map_mut(CALLS))?;
    let mut places = ByCall::new();
    for (place, call) in (1..).zip(&CATALOGUE.calls) {
        calls.set(place, noted_call(call), 0).map_err(failed)?;
        places.insert(&call.call, place);
    }
    let failed = |source| map_error(INDEX, source);
    let mut index: Array<&mut MapData, u32> = typed(INDEX, ebpf.map_mut(INDEX))?;
    for abi in Abi::ALL {
        for number in 0..NOTED_NUMBERS {
            if let Some(call) = CATALOGUE.noted(abi, number.cast_signed()) {
                let at = abi as u32 * NOTED_NUMBERS + number;
                index.set(at, places[&call.call], 0).map_err(failed)?;
            }
        }
    }
    Ok(())
}

fn noted_call(call: &CatalogueCall) -> NotedCall {
    let mut arguments = [NotedArgument::NONE; NOTED_ARGUMENTS];
    for (noted, argument) in arguments.iter_mut().zip(&call.arguments) {
        noted.index = argument.index;
        noted.mask = argument.mask;
        let Some(only_where) = &argument.only_where else {
            continue;
        };
        let mut others = call.arguments.iter();
        let other = others.position(|other| other.index == only_where.index);
        noted.other = other
            .and_then(|other| other.try_into().ok())
            .unwrap_or(ALWAYS);
        let values = only_where.values.iter().cycle();
        for (place, value) in noted.values.iter_mut().zip(values).take(ONLY_WHERE) {
            *place = *value;
        }
    }
    NotedCall { arguments }
}

impl Maps {
    /// By program.
    pub(super) fn arguments(&self) -> Result<ByCall<u32, Vec<ArgumentFacts>>, ObserverError> {
        let mut found: ByCall<NotedKey, ArgumentFacts> = ByCall::new();
        for entry in &self.noted {
            let (key, seen) = entry.map_err(|source| map_error("NOTED", source))?;
            let Some(abi) = Abi::ALL.get(key.abi as usize) else {
                continue;
            };
            let call = SeenCall {
                abi: *abi,
                number: key.number,
            };
            found.insert(
                key,
                ArgumentFacts {
                    call,
                    combinations: Vec::new(),
                    overflowed: seen.overflowed != 0,
                },
            );
        }
        for key in self.combinations.keys() {
            let key = key.map_err(|source| map_error("COMBINATION_TABLE", source))?;
            // One that came meanwhile is read the next time.
            if let Some(facts) = found.get_mut(&key.call) {
                facts.combinations.push(key.values);
            }
        }
        let mut by_program: ByCall<u32, Vec<ArgumentFacts>> = ByCall::new();
        for (key, facts) in found {
            by_program.entry(key.program).or_default().push(facts);
        }
        Ok(by_program)
    }
}
