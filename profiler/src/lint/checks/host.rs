//! Calls that give the host away.

use crate::generator::WAYS_ROUND;
use crate::lint::document::{Document, Rule};
use crate::lint::finding::Found;
use crate::lint::rules::{RuleId, Severity};
use crate::risk::{self, Class};

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    for (rule, name) in document.entries() {
        let call = name.value.as_str();
        let risk = risk::of(call);
        // The ways round a filter have a rule of their own.
        let is_host_call = risk.class == Class::Critical && !WAYS_ROUND.contains(&call);
        if rule.lets_through() && is_host_call {
            let needed = risk.capability.map_or_else(
                || "without any capability it".to_owned(),
                |capability| format!("with {capability} it"),
            );
            let message = format!("{call} is allowed: {needed} {}", risk.gains);
            let found_one = Found::new(RuleId::HostCall, &name.at, message);
            found.push(if is_narrowed(rule, risk.capability) {
                found_one.severity(Severity::Note)
            } else {
                found_one
            });
        }
    }
}

/// To some arguments, or to containers that were given a capability for it.
fn is_narrowed(rule: &Rule, capability: Option<&str>) -> bool {
    let given = &rule.includes.capabilities;
    let is_for_whoever_may = match capability {
        // SYS_ADMIN stands for those that were split off from it.
        Some(capability) => given
            .iter()
            .any(|name| [capability, "CAP_SYS_ADMIN"].contains(&name.value.as_str())),
        None => !given.is_empty(),
    };
    is_for_whoever_may || !rule.comparisons.is_empty()
}
