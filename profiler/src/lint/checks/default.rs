//! What the default makes of the rules.

use crate::lint::document::{Action, Document};
use crate::lint::finding::Found;
use crate::lint::rules::RuleId;
use crate::lint::words::quoted;
use crate::profile;

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
        Action::Plain(profile::Action::Allow) => Some("allows everything"),
        Action::Plain(profile::Action::Log) => Some("allows everything, and logs it"),
        _ => None,
    };
    if let Some(what) = allows {
        let message =
            format!("the default {what} that no rule names: this is a list of calls to refuse");
        found.push(Found::new(RuleId::DefaultAllow, &default.at, message));
    }
    let answer = document.default_answer();
    for rule in &document.rules {
        if let Some(action) = &rule.action
            && rule.answer() == answer
            && action.value != Action::Notify
            && !rule.names.is_empty()
        {
            let calls = match rule.names.as_slice() {
                [one] => quoted(&one.value),
                more => format!("these {} calls", more.len()),
            };
            let message = format!("the default says the same of {calls}");
            let found_one = Found::new(RuleId::SameAsDefault, &action.at, message);
            found.push(found_one.remove(&rule.removal));
        }
    }
}
