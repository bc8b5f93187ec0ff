//! Noted arguments to their section of a caller.

use crate::arguments::CATALOGUE;
use crate::kernel::{ProgramFacts, SeenCall};
use crate::recording::{Arguments, NotedArgument};

/// With which arguments a program made a call that it was seen to make; `None` where the catalogue
/// does not name it. What did not fit at all counts as overflowed: nothing is known of it.
pub(super) fn arguments(call: SeenCall, program: &ProgramFacts) -> Option<Arguments> {
    let noted = &CATALOGUE.noted(call.abi, call.number)?.arguments;
    let mut facts = program.arguments.iter();
    let facts = facts.find(|facts| facts.call == call);
    let combinations = facts.iter().flat_map(|facts| &facts.combinations);
    Some(Arguments {
        noted: noted.iter().map(NotedArgument::from).collect(),
        combinations: combinations
            .map(|values| values[..noted.len()].to_vec())
            .collect(),
        overflowed: facts.is_none_or(|facts| facts.overflowed),
    })
}
