//! What people get wrong in a seccomp profile: each finding with its rule, its place, and what mends
//! it.
//!
//! Pure: a text in, findings out, milliseconds. It reads all that Docker's parser and the OCI
//! specification know, judges nothing but the text (no engine, no kernel is asked), and changes it
//! only where that takes no decision.

mod checks;
mod document;
mod finding;
mod fix;
mod json;
mod place;
mod rules;
mod words;

use std::collections::BTreeSet;

pub use finding::{Edit, Finding};
pub use fix::{Fixed, fix};
pub use place::{Place, Position};
pub use rules::{Rule, RuleId, Severity, UnknownRule, rules};

use crate::names::LibseccompVersion;
use finding::Found;
use place::Lines;

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the profile will be loaded with; none: names are not held against it.
    pub libseccomp: Option<LibseccompVersion>,
    /// Not to be found.
    pub allowed: BTreeSet<RuleId>,
}

/// In the order of the text.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub findings: Vec<Finding>,
    /// Past the first finding nothing could be read.
    pub is_broken: bool,
}

/// The text is something else.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAProfile {
    #[error(
        "it is a recording; make a profile of it first (`profiler generate`), and lint that one"
    )]
    Recording,
    #[error("it has none of a profile's keys (\"defaultAction\", \"syscalls\")")]
    Other,
}

pub fn lint(bytes: &[u8], options: &Options) -> Result<Findings, NotAProfile> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Ok(not_utf8(bytes, error.valid_up_to())),
    };
    let lines = Lines::new(text);
    let value = match json::parse(text, &lines) {
        Ok(value) => value,
        Err(found) => return Ok(broken(found.placed(&lines))),
    };
    let mut found = Vec::new();
    let document = document::read(&value, &mut found)?;
    checks::check(&document, options, &mut found);
    found.retain(|found| !options.allowed.contains(&found.rule));
    found.sort_by_key(|found| (found.at.start, found.at.end, found.rule));
    Ok(Findings {
        findings: found
            .into_iter()
            .map(|found| found.placed(&lines))
            .collect(),
        is_broken: false,
    })
}

fn not_utf8(bytes: &[u8], valid_up_to: usize) -> Findings {
    let before = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let why = "this is no JSON: a byte that is not UTF-8";
    let found = Found::new(RuleId::InvalidJson, &(valid_up_to..valid_up_to), why);
    broken(found.placed(&Lines::new(&before)))
}

fn broken(finding: Finding) -> Findings {
    Findings {
        findings: vec![finding],
        is_broken: true,
    }
}

#[cfg(test)]
mod tests;
