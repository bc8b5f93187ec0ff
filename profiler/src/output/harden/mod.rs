//! What `harden` came to: a table for a terminal, a report to read, values for machines.

mod json;
mod markdown;
mod table;

pub use json::json;
pub use markdown::markdown;
pub use table::table;

use crate::harden::State;
use crate::words::list;

/// What is compared, before and after.
fn rows(before: &State, after: &State) -> Vec<(&'static str, [String; 2])> {
    let of = |say: fn(&State) -> String| [say(before), say(after)];
    vec![
        ("calls", of(calls)),
        ("capabilities", of(capabilities)),
        ("writable", of(|state| all(&state.writable))),
        ("user", of(|state| state.user.clone())),
        (
            "new privileges",
            of(|state| {
                if state.no_new_privileges {
                    "none"
                } else {
                    "by set-id programs"
                }
                .to_owned()
            }),
        ),
        ("network", of(|state| state.network.clone())),
        (
            "memory",
            of(|state| state.memory.clone().unwrap_or_else(unlimited)),
        ),
        (
            "processes",
            of(|state| {
                state
                    .processes
                    .as_ref()
                    .map_or_else(unlimited, i64::to_string)
            }),
        ),
        (
            "descriptors",
            of(|state| {
                let limit = state.descriptors.clone();
                limit.unwrap_or_else(|| "the engine's default".to_owned())
            }),
        ),
        ("ports", of(|state| all(&state.ports))),
    ]
}

fn calls(state: &State) -> String {
    if state.privileged {
        return "all, without a filter".to_owned();
    }
    state.calls.map_or_else(
        || "the engine's default".to_owned(),
        |calls| calls.to_string(),
    )
}

fn capabilities(state: &State) -> String {
    match &state.capabilities {
        _ if state.privileged => "all of them".to_owned(),
        None => "the engine's default".to_owned(),
        Some(names) if names.len() > 5 => format!("{} of them", names.len()),
        Some(names) => all(names),
    }
}

fn all(words: &[String]) -> String {
    if words.is_empty() {
        return "none".to_owned();
    }
    crate::recording::Text::from(list(words)).to_string()
}

fn unlimited() -> String {
    "no limit".to_owned()
}
