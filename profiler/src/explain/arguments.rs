//! With which arguments a call was made, by their names.

use crate::arguments::{CATALOGUE, CatalogueArgument, CatalogueCall, Kind};
use crate::recording::{Arguments, NotedArgument};

/// `with domain 1 type 0x80001, or domain 16 type 3 protocol 0`. Bits by the mask that they were
/// looked at with: `prot 0x2/0x6`.
pub(super) fn with(call: &str, arguments: &Arguments) -> String {
    let known = CATALOGUE.call(call);
    let mut all: Vec<String> = arguments
        .combinations
        .iter()
        .map(|values| combination(known, &arguments.noted, values))
        .collect();
    if arguments.overflowed {
        all.push("others, more than were kept".to_owned());
    }
    format!("with {}", all.join(", or "))
}

fn combination(call: Option<&CatalogueCall>, noted: &[NotedArgument], values: &[u32]) -> String {
    let value_of = |index: u8| {
        let mut all = noted.iter().zip(values);
        all.find_map(|(argument, value)| (argument.index == index).then_some(*value))
    };
    let mut shown = Vec::new();
    for (argument, value) in noted.iter().zip(values) {
        let known = call.iter().flat_map(|call| &call.arguments);
        let known = known.clone().find(|known| known.index == argument.index);
        if known.is_none_or(|known| known.counts(value_of)) {
            shown.push(one(known, *argument, *value));
        }
    }
    shown.join(" ")
}

fn one(known: Option<&CatalogueArgument>, argument: NotedArgument, value: u32) -> String {
    let name = known.map_or_else(
        || format!("argument {}", argument.index),
        |known| known.name.clone(),
    );
    let are_bits = known.is_some_and(|known| known.kind != Kind::Value);
    let value = if are_bits || value > 0xff {
        format!("{value:#x}")
    } else {
        value.to_string()
    };
    match argument.mask {
        u32::MAX => format!("{name} {value}"),
        mask => format!("{name} {value}/{mask:#x}"),
    }
}
