//! What nothing gets along without, and what a filter should not let by.

use std::collections::BTreeSet;

use crate::generator::{self, WAYS_ROUND};
use crate::lint::document::Document;
use crate::lint::finding::Found;
use crate::lint::rules::{RuleId, Severity};
use crate::lint::words::quoted;

/// Every program begins and ends by these.
const FIRST_AND_LAST: [(&str, &str); 2] = [
    ("execve", "no program starts"),
    ("exit_group", "no program ends but by a signal"),
];

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    found.extend(ways_round(document));
    if document.denies_by_default() != Some(true) {
        return;
    }
    let let_through: BTreeSet<&str> = document
        .entries()
        .filter(|(rule, _)| rule.lets_through())
        .map(|(_, name)| name.value.as_str())
        .collect();
    // Else there is one finding that says it all.
    if !let_through.is_empty() {
        missing(document, &let_through, found);
    }
}

fn ways_round(document: &Document) -> impl Iterator<Item = Found> {
    let open = document
        .entries()
        .filter(|(rule, name)| rule.lets_through() && WAYS_ROUND.contains(&name.value.as_str()));
    open.map(|(rule, name)| {
        let call = &name.value;
        match rule.includes.capabilities.as_slice() {
            [] => {
                let message = format!("{call} is a way round the filter");
                Found::new(RuleId::WayRound, &name.at, message)
            }
            [capability, ..] => {
                let needed = quoted(&capability.value);
                let message = format!("{call} is a way round the filter for whoever has {needed}");
                Found::new(RuleId::WayRound, &name.at, message).severity(Severity::Note)
            }
        }
    })
}

fn missing(document: &Document, let_through: &BTreeSet<&str>, found: &mut Vec<Found>) {
    let is_missing = |name: &str| !let_through.contains(name);
    let at = &document.rules_at;
    for (name, effect) in FIRST_AND_LAST {
        if is_missing(name) {
            let message = format!("{name} is not allowed: {effect}");
            found.push(Found::new(RuleId::MissingCall, at, message));
        }
    }
    for (name, reason) in generator::kernel_driven() {
        if is_missing(name) {
            let message = format!("{name} is not allowed: {reason}");
            found.push(Found::new(RuleId::MissingCall, at, message));
        }
    }
    let runtime: Vec<&str> = generator::least_of_runc()
        .filter(|name| is_missing(name) && !FIRST_AND_LAST.iter().any(|(told, _)| told == name))
        .collect();
    if !runtime.is_empty() {
        let message = format!("runc calls behind the filter: {}", runtime.join(", "));
        found.push(Found::new(RuleId::MissingRuntimeCall, at, message));
    }
}
