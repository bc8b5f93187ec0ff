//! What `diff` found, in four formats.

mod json;
mod markdown;
mod sarif;
mod text;

pub use json::json;
pub use markdown::markdown;
pub use sarif::sarif;
pub use text::text;

use crate::diff::{Answers, CallChange, Change, Diff, SetChange};
use crate::profile::Answer;
use crate::recording::Text;
use crate::risk;
use crate::words::{count, list};

/// What was compared, and what came of it.
pub struct DiffReport<'a> {
    /// As the user named them.
    pub old: Text,
    pub new: Text,
    pub diff: &'a Diff,
}

/// One line, without its end.
pub fn summary(diff: &Diff) -> String {
    let calls = Change::ALL.map(|change| {
        let calls = diff.calls.iter().filter(|call| call.change == change);
        (calls.count(), word(change))
    });
    let told = calls.into_iter().filter(|(number, _)| *number > 0);
    let mut told: Vec<String> = told
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    for (changes, one, more) in [
        (&diff.architectures, "architecture", "architectures"),
        (&diff.capabilities, "capability", "capabilities"),
    ] {
        if !changes.is_empty() {
            told.push(count(changes.len(), one, more));
        }
    }
    if told.is_empty() {
        "no difference".to_owned()
    } else {
        list(told)
    }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Loosened => "loosened",
        Change::Changed => "changed",
        Change::Tightened => "tightened",
        Change::Removed => "removed",
        Change::Answered => "answered otherwise",
    }
}

fn name(call: &CallChange) -> &str {
    call.call.as_deref().unwrap_or("numbers without a name")
}

fn set_word(change: &SetChange) -> &'static str {
    word(if change.is_added {
        Change::Added
    } else {
        Change::Removed
    })
}

/// `x86_64, x86`
fn architectures(call: &CallChange) -> String {
    list(call.architectures.iter().map(|name| short(name)))
}

fn short(architecture: &str) -> String {
    let name = architecture.strip_prefix("SCMP_ARCH_");
    name.unwrap_or(architecture).to_ascii_lowercase()
}

/// How dangerous it is to allow it, in a sentence.
fn about(call: &CallChange) -> String {
    let Some(name) = &call.call else {
        return format!("risk {}", call.class);
    };
    let risk = risk::of(name);
    let mut told = format!("risk {}: {}", risk.class, risk.gains);
    if let Some(capability) = risk.capability {
        told.extend([" (with ", capability, ")"]);
    }
    told.push_str(if risk::docker_allows(name) {
        "; Docker's default allows it"
    } else {
        "; Docker's default refuses it"
    });
    let cves = list(risk::cves(name));
    if !cves.is_empty() {
        told.extend(["; faults that needed it: ", &cves]);
    }
    told
}

/// Those that are to be told. That a call is allowed now, or was, its change says already, but not
/// with which arguments, nor that a tracer has a say in it.
fn told_answers(call: &CallChange) -> impl Iterator<Item = String> {
    let is_told = |answers: &&Answers| {
        let allowed = match call.change {
            Change::Added => answers.new,
            Change::Removed => answers.old,
            _ => return true,
        };
        allowed.permits() && (allowed != Answer::Allow || !answers.arguments.is_empty())
    };
    call.answers.iter().filter(is_told).map(answers)
}

/// `EPERM before, allowed now`, and with which arguments.
fn answers(answers: &Answers) -> String {
    let Answers {
        old,
        new,
        arguments,
    } = answers;
    let told = format!("{old} before, {new} now");
    if arguments.is_empty() {
        return told;
    }
    let arguments = arguments
        .iter()
        .map(|(index, value)| format!("argument {index} = {value:#x}"));
    format!("with {}: {told}", list(arguments))
}

const MAY_BE_CHANCE: &str = "may be chance: only one of several runs shows it";
