//! The calls, an entry each: who made it, earliest first, and who tried to.

use nix::errno::Errno;

use super::arguments::with;
use super::entry;
use super::who::{in_time, when, who};
use crate::recording::{Attempt, Caller, Recording, Syscall};

/// A section for each architecture that has one of the calls.
pub(super) fn by_architecture(
    recording: &Recording,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<Vec<String>> {
    let mut sections = Vec::new();
    for (architecture, calls) in &recording.architectures {
        let mut calls: Vec<_> = calls.iter().filter(|(name, _)| is_wanted(name)).collect();
        calls.sort_by_key(|(name, _)| *name);
        if calls.is_empty() {
            continue;
        }
        let mut lines = vec![format!("Calls ({architecture}):")];
        for (name, call) in calls {
            lines.extend(entry(name, told(recording, name, call)));
        }
        sections.push(lines);
    }
    sections
}

pub(super) fn has(recording: &Recording, name: &str) -> bool {
    let mut architectures = recording.architectures.values();
    architectures.any(|calls| calls.contains_key(name))
}

fn told(recording: &Recording, name: &str, call: &Syscall) -> Vec<String> {
    let callers = in_time(&call.callers).into_iter().enumerate();
    let made = callers.flat_map(|(index, caller)| {
        let arguments = caller.arguments.iter();
        let with = arguments.map(|noted| format!("  {}", with(name, noted)));
        std::iter::once(made(recording, caller, index == 0)).chain(with)
    });
    let is_used = !call.callers.is_empty();
    let tried = call
        .tried
        .iter()
        .map(|attempt| tried(recording, attempt, is_used));
    made.chain(tried).collect()
}

fn made(recording: &Recording, caller: &Caller, is_first: bool) -> String {
    let time = caller.first.as_ref().map_or_else(
        || "at a time that was lost".to_owned(),
        |first| format!("at {}", when(first)),
    );
    let first = if is_first { "first " } else { "" };
    format!("{first}{time} by {}", who(recording, caller))
}

fn tried(recording: &Recording, attempt: &Attempt, is_used: bool) -> String {
    let often = match attempt.count() {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let answer = match attempt.errno {
        None => "a signal".to_owned(),
        Some(number) => match Errno::from_raw(number) {
            Errno::UnknownErrno => format!("errno {number}"),
            known => format!("{known:?}"),
        },
    };
    let so = if is_used { "" } else { ": not used" };
    format!(
        "tried {often} by {}, refused with {answer}{so}",
        who(recording, &attempt.caller)
    )
}
