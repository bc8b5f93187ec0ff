//! For code hosts: each change beside the newer file's line that names it.

use serde_json::{Value, json};

use super::{DiffReport, about, architectures, name, set_word, told_answers, word};
use crate::diff::{CallChange, Change};
use crate::output::sarif::{document, uri};
use crate::risk::Class;

/// `text`: the newer file's.
pub fn sarif(report: &DiffReport<'_>, text: &str) -> String {
    let uri = uri(&report.new);
    let result = |rule: &str, level: &str, message: String, named: &str| {
        let quoted = format!("\"{named}\"");
        let line = text.lines().position(|line| line.contains(&quoted));
        json!({
            "ruleId": rule,
            "level": level,
            "message": {"text": message},
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": {"uri": uri},
                    "region": {"startLine": line.map_or(1, |line| line + 1)},
                }
            }],
        })
    };
    let mut results = Vec::new();
    for (kind, changes) in [
        ("architecture", &report.diff.architectures),
        ("capability", &report.diff.capabilities),
    ] {
        results.extend(changes.iter().map(|change| {
            let level = if change.is_added { "warning" } else { "note" };
            let message = format!("the {kind} {} is {}", change.name, set_word(change));
            result(kind, level, message, &change.name)
        }));
    }
    results.extend(report.diff.calls.iter().map(|call| {
        let rule = word(call.change).replace(' ', "-");
        result(&rule, level(call), message(call), name(call))
    }));
    let rules: Vec<Value> = Change::ALL
        .map(|change| documented(&word(change).replace(' ', "-"), explanation(change)))
        .into_iter()
        .chain([
            documented(
                "architecture",
                "Only one of both judges calls of this architecture.",
            ),
            documented("capability", "Only one of both keeps this capability."),
        ])
        .collect();
    document(&rules, &results)
}

fn level(call: &CallChange) -> &'static str {
    match (call.change.widens(), call.class) {
        _ if call.may_be_chance => "note",
        (true, Class::High | Class::Critical) => "error",
        (true, _) => "warning",
        (false, _) => "note",
    }
}

fn message(call: &CallChange) -> String {
    let (word, name, architectures) = (word(call.change), name(call), architectures(call));
    let mut message = format!("{name} ({architectures}) is {word}");
    if call.change.widens() {
        message.extend(["; ", &about(call)]);
    }
    if let Some(first) = told_answers(call).next() {
        message.extend(["; ", &first]);
    }
    message
}

fn explanation(change: Change) -> &'static str {
    match change {
        Change::Added => "The call was never allowed, and now it is.",
        Change::Loosened => "The call is allowed with more arguments than before.",
        Change::Changed => "The call is allowed with other arguments than before.",
        Change::Tightened => "The call is allowed with fewer arguments than before.",
        Change::Removed => "The call was allowed, and never is now.",
        Change::Answered => "The call is allowed as before, and otherwise answered.",
    }
}

fn documented(id: &str, text: &str) -> Value {
    json!({"id": id, "shortDescription": {"text": text}})
}
