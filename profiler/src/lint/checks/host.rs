//! Calls that give the host away.

use crate::lint::document::{Document, Rule};
use crate::lint::finding::Found;
use crate::lint::rules::{HostCalls, RuleId, Severity, host_calls};

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    for (rule, name) in document.entries() {
        if rule.lets_through()
            && let Some(group) = host_calls(&name.value)
        {
            let (call, why) = (&name.value, &group.why);
            let needed = match &group.capability {
                Some(capability) => format!("with {capability} it"),
                None => "without any capability it".to_owned(),
            };
            let message = format!("{call} is allowed: {needed} {why}");
            let found_one = Found::new(RuleId::HostCall, &name.at, message);
            found.push(if is_narrowed(rule, group) {
                found_one.severity(Severity::Note)
            } else {
                found_one
            });
        }
    }
}

/// To some arguments, or to containers that were given a capability for it.
fn is_narrowed(rule: &Rule, group: &HostCalls) -> bool {
    let given = &rule.includes.capabilities;
    let is_for_whoever_may = match &group.capability {
        // SYS_ADMIN stands for those that were split off from it.
        Some(capability) => given
            .iter()
            .any(|name| [capability.as_str(), "CAP_SYS_ADMIN"].contains(&name.value.as_str())),
        None => !given.is_empty(),
    };
    is_for_whoever_may || !rule.comparisons.is_empty()
}
