//! What the default makes of the rules.

use profiler_common::Abi;

use crate::lint::document::{Document, Rule};
use crate::lint::finding::Found;
use crate::lint::rules::RuleId;
use crate::lint::words::quoted;
use crate::names;
use crate::profile::Action;

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    let (Some(default), Some(denies)) = (&document.default_action, document.denies_by_default())
    else {
        return;
    };
    if denies
        && !document
            .rules
            .iter()
            .any(|rule| rule.lets_through() && !rule.names.is_empty())
    {
        let message = if document.rules.is_empty() {
            "everything is refused, and there is no rule"
        } else {
            "everything is refused, and no rule allows anything: a list of calls to refuse needs SCMP_ACT_ALLOW as the default"
        };
        found.push(Found::new(RuleId::NothingAllowed, &default.at, message));
    }
    let allows = match default.value {
        Action::Allow => Some("allows everything"),
        Action::Log => Some("allows everything, and logs it"),
        _ => None,
    };
    if let Some(what) = allows {
        let message =
            format!("the default {what} that no rule names: this is a list of calls to refuse");
        found.push(Found::new(RuleId::DefaultAllow, &default.at, message));
    }
    for rule in &document.rules {
        found.extend(same(document, rule));
    }
}

fn same(document: &Document, rule: &Rule) -> Option<Found> {
    let action = rule.action.as_ref()?;
    let answer = rule.answer?;
    if Some(answer) != document.default_answer
        || action.value == Action::Notify
        || rule.names.is_empty()
    {
        return None;
    }
    let calls = match rule.names.as_slice() {
        [one] => quoted(&one.value),
        more => format!("these {} calls", more.len()),
    };
    let message = format!("the default says the same of {calls}");
    let highest = Abi::ALL
        .into_iter()
        .find_map(|abi| highest(document, rule, abi));
    Some(match highest {
        Some(call) if document.denies_by_default() == Some(true) => {
            let message = format!(
                "{message}; but {call} is the highest call named, and runc answers ENOSYS above it"
            );
            Found::new(RuleId::SameAsDefault, &action.at, message)
        }
        _ => Found::new(RuleId::SameAsDefault, &action.at, message).remove(rule.removal()),
    })
}

/// The highest call of all, where this rule is the first to name it: without it, runc's ENOSYS would
/// begin below.
fn highest<'d>(document: &'d Document, rule: &Rule, abi: Abi) -> Option<&'d str> {
    let mut highest: Option<(u32, &Rule, &str)> = None;
    for (other, name) in document.entries() {
        let Some(number) = names::number(abi, &name.value) else {
            continue;
        };
        if highest.is_none_or(|(highest, ..)| number > highest) {
            highest = Some((number, other, &name.value));
        }
    }
    let (_, first, call) = highest?;
    std::ptr::eq(first, rule).then_some(call)
}
