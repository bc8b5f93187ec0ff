//! For people: a line a change, below it who asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{
    DiffReport, MAY_BE_CHANCE, about, architectures, name, set_word, short, told_answers, word,
};
use crate::diff::{CallChange, Change, Evidence};
use crate::words::list;

/// Where nothing but the answer changed, more names say no more.
const NAMED: usize = 20;

pub fn text(report: &DiffReport<'_>) -> String {
    let mut out = String::new();
    for change in &report.diff.architectures {
        let (word, name) = (set_word(change), short(&change.name));
        let _ = writeln!(
            out,
            "{word}: the architecture {name}, as its calls are judged"
        );
    }
    for change in &report.diff.capabilities {
        let _ = writeln!(out, "{}: the capability {}", set_word(change), change.name);
        who(&mut out, change.evidence.as_ref());
    }
    let (answered, others): (Vec<_>, Vec<_>) = report
        .diff
        .calls
        .iter()
        .partition(|call| call.change == Change::Answered);
    for call in others {
        tell(&mut out, call);
    }
    let mut alike: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for call in answered {
        let told: Vec<String> = told_answers(call).collect();
        let names = alike.entry((architectures(call), told)).or_default();
        names.push(name(call));
    }
    for ((architectures, told), names) in alike {
        let shown = list(names.iter().take(NAMED));
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (word, told) = (word(Change::Answered), told.join("; "));
        let _ = writeln!(out, "{word}: {shown}{more} ({architectures}): {told}");
    }
    out
}

fn tell(out: &mut String, call: &CallChange) {
    let (word, name, architectures) = (word(call.change), name(call), architectures(call));
    let _ = write!(out, "{word}: {name} ({architectures})");
    if call.change.widens() {
        let _ = write!(out, ": {}", about(call));
    }
    out.push('\n');
    if call.may_be_chance {
        let _ = writeln!(out, "  {MAY_BE_CHANCE}");
    }
    for told in told_answers(call) {
        let _ = writeln!(out, "  {told}");
    }
    who(out, call.evidence.as_ref());
}

fn who(out: &mut String, evidence: Option<&Evidence>) {
    for asker in evidence.into_iter().flat_map(|evidence| &evidence.askers) {
        let _ = writeln!(out, "  by {}", asker.told);
    }
}
