//! For a comment on a pull request.

use std::fmt::Write as _;

use super::{
    DiffReport, MAY_BE_CHANCE, about, architectures, name, set_word, short, summary, told_answers,
    word,
};
use crate::diff::{CallChange, Evidence};
use crate::output::markdown::plain;

pub fn markdown(report: &DiffReport<'_>) -> String {
    let mut out = String::new();
    let (old, new) = (report.old.to_string(), report.new.to_string());
    let (old, new, summary) = (plain(&old), plain(&new), summary(report.diff));
    let _ = writeln!(out, "### {old} → {new}: {summary}");
    if report.diff.is_empty() {
        return out;
    }
    out.push_str("\n| change | what | about it |\n|---|---|---|\n");
    let sets = [
        ("the architecture", &report.diff.architectures),
        ("the capability", &report.diff.capabilities),
    ];
    for (what, changes) in sets {
        for change in changes {
            let name = match what {
                "the architecture" => short(&change.name),
                _ => change.name.clone(),
            };
            let (word, told) = (set_word(change), who(change.evidence.as_ref()));
            let _ = writeln!(
                out,
                "| {word} | {what} {} | {} |",
                plain(&name),
                plain(&told)
            );
        }
    }
    for call in &report.diff.calls {
        let what = format!("{} ({})", name(call), architectures(call));
        let (word, what, told) = (word(call.change), plain(&what), plain(&told(call)));
        let _ = writeln!(out, "| {word} | {what} | {told} |");
    }
    out
}

fn told(call: &CallChange) -> String {
    let mut told = Vec::new();
    if call.change.widens() {
        told.push(about(call));
    }
    told.extend(told_answers(call));
    if call.may_be_chance {
        told.push(MAY_BE_CHANCE.to_owned());
    }
    let who = who(call.evidence.as_ref());
    if !who.is_empty() {
        told.push(who);
    }
    told.join("; ")
}

fn who(evidence: Option<&Evidence>) -> String {
    let askers = evidence.into_iter().flat_map(|evidence| &evidence.askers);
    let askers: Vec<String> = askers.map(|asker| format!("by {}", asker.told)).collect();
    askers.join("; ")
}
