//! A recording for people: who asked for what, when, in how many runs, and what the recording
//! leaves open.
//!
//! Pure: a recording in, text out. It leaves out nothing that was asked for, and decides nothing:
//! what is kept is the generator's word, or that of a list that was tried since.

mod arguments;
mod calls;
mod capabilities;
mod head;
mod names;
mod who;

pub use names::UnknownName;
pub use who::who;

use crate::capabilities::CapabilityList;
use crate::recording::{Recording, Status};
use crate::words::count;
use names::Wanted;

/// Lines, the last with its end. `names`: of calls, and of capabilities with or without `CAP_`, in
/// any case; none: all that was recorded. `list`: what is kept or dropped of the capabilities by it,
/// not by the recording alone.
pub fn explain(
    recording: &Recording,
    names: &[String],
    list: Option<&CapabilityList>,
) -> Result<String, UnknownName> {
    let wanted = names
        .iter()
        .map(|name| Wanted::parse(name, recording))
        .collect::<Result<Vec<_>, _>>()?;
    let calls: Vec<&str> = wanted.iter().filter_map(|w| w.call.as_deref()).collect();
    let capabilities: Vec<&str> = wanted
        .iter()
        .filter_map(|w| w.capability.as_deref())
        .collect();
    let is_all = names.is_empty();

    let mut sections = vec![head::head(recording)];
    sections.extend(calls::by_architecture(recording, |name| {
        is_all || calls.contains(&name)
    }));
    if is_all || !capabilities.is_empty() {
        sections.push(capabilities::capabilities(
            recording,
            list,
            is_all,
            |name| is_all || capabilities.contains(&name),
        ));
    }
    let is_listed = |name: &str| list.is_some_and(|list| list.adds(name));
    let unseen_capabilities = capabilities.into_iter().filter(|name| {
        // Else the section says why it tells of none.
        recording.capabilities.observed_by.is_some()
            && !capabilities::has(recording, name)
            && !is_listed(name)
    });
    let unseen = calls
        .into_iter()
        .filter(|name| !calls::has(recording, name))
        .chain(unseen_capabilities);
    sections.push(unseen.map(|name| not_seen(recording, name)).collect());
    sections.retain(|lines| !lines.is_empty());
    let sections: Vec<String> = sections.iter().map(|lines| lines.join("\n")).collect();
    Ok(sections.join("\n\n") + "\n")
}

fn not_seen(recording: &Recording, name: &str) -> String {
    let runs = count(recording.runs.len(), "run", "runs");
    let is_whole = recording.losses.total() == 0 && recording.status == Status::Complete;
    let but = if is_whole {
        ""
    } else {
        "; but the recording is not complete"
    };
    format!("{name}: not seen in {runs}{but}")
}

/// What it is about on the first line, the rest below it.
fn entry(name: &str, lines: Vec<String>) -> impl Iterator<Item = String> {
    let mut head = format!("{name}: ");
    lines
        .into_iter()
        .map(move |line| std::mem::replace(&mut head, "  ".to_owned()) + &line)
}
