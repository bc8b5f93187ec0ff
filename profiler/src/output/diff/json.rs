//! For machines; the published schema is `schema/diff.v1.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{DiffReport, word};
use crate::diff::{self, Answers, CallChange, SetChange};
use crate::recording::{Phase, Text};
use crate::risk;

const FORMAT: &str = "profiler.diff";
const VERSION: u32 = 1;

/// What `profiler diff --format json` writes.
#[derive(Serialize, JsonSchema)]
struct Report<'a> {
    /// Always `profiler.diff`.
    format: &'static str,
    version: u32,
    /// As the user named them.
    old: &'a Text,
    new: &'a Text,
    /// Something is allowed that was not; what may be chance does not count.
    is_wider: bool,
    /// Anything differs; what may be chance does not count.
    is_changed: bool,
    /// Those that only one of both lists.
    architectures: Vec<Set<'a>>,
    /// Without `CAP_`; those that only one of both keeps.
    capabilities: Vec<Set<'a>>,
    calls: Vec<Call<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Set<'a> {
    name: &'a str,
    is_added: bool,
    evidence: Option<Evidence<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Call<'a> {
    /// `null`: all numbers that have no name.
    name: Option<&'a str>,
    /// `added`, `loosened`, `changed`, `tightened`, `removed` or `answered otherwise`.
    change: &'static str,
    architectures: &'a [&'static str],
    answers: Vec<AnswerPair>,
    risk: Risk,
    /// Who asked, from the recording that shows it; `null`: none does.
    evidence: Option<Evidence<'a>>,
    /// Only one of several runs shows it, and it is not dangerous.
    may_be_chance: bool,
}

#[derive(Serialize, JsonSchema)]
struct AnswerPair {
    old: String,
    new: String,
    /// Some that bring it about, of those that the answers depend on.
    arguments: Vec<Argument>,
}

#[derive(Serialize, JsonSchema)]
struct Argument {
    index: usize,
    value: u64,
}

#[derive(Serialize, JsonSchema)]
struct Risk {
    /// `low`, `medium`, `high` or `critical`.
    class: String,
    gains: Option<&'static str>,
    docker_allows: bool,
    cves: Vec<&'static str>,
}

#[derive(Serialize, JsonSchema)]
struct Evidence<'a> {
    runs: usize,
    of: usize,
    askers: Vec<Asker<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Asker<'a> {
    phase: Phase,
    executable: Option<&'a str>,
    told: &'a str,
}

pub fn json(report: &DiffReport<'_>) -> String {
    let diff = report.diff;
    crate::output::text::json(&Report {
        format: FORMAT,
        version: VERSION,
        old: &report.old,
        new: &report.new,
        is_wider: diff.is_wider(),
        is_changed: diff.is_changed(),
        architectures: diff.architectures.iter().map(set).collect(),
        capabilities: diff.capabilities.iter().map(set).collect(),
        calls: diff.calls.iter().map(call).collect(),
    })
}

fn set(change: &SetChange) -> Set<'_> {
    Set {
        name: &change.name,
        is_added: change.is_added,
        evidence: change.evidence.as_ref().map(evidence),
    }
}

fn call(change: &CallChange) -> Call<'_> {
    let name = change.call.as_deref();
    Call {
        name,
        change: word(change.change),
        architectures: &change.architectures,
        answers: change.answers.iter().map(answers).collect(),
        risk: Risk {
            class: change.class.to_string(),
            gains: name.map(|name| risk::of(name).gains),
            docker_allows: name.is_some_and(risk::docker_allows),
            cves: name.into_iter().flat_map(risk::cves).collect(),
        },
        evidence: change.evidence.as_ref().map(evidence),
        may_be_chance: change.may_be_chance,
    }
}

fn answers(answers: &Answers) -> AnswerPair {
    let arguments = answers.arguments.iter();
    AnswerPair {
        old: answers.old.to_string(),
        new: answers.new.to_string(),
        arguments: arguments
            .map(|&(index, value)| Argument { index, value })
            .collect(),
    }
}

fn evidence(evidence: &diff::Evidence) -> Evidence<'_> {
    let askers = evidence.askers.iter().map(|asker| Asker {
        phase: asker.phase,
        executable: asker.executable.as_deref(),
        told: &asker.told,
    });
    Evidence {
        runs: evidence.runs,
        of: evidence.of,
        askers: askers.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, VERSION};
    use crate::schema::{check, of_output};

    #[test]
    fn the_published_schema_is_current() {
        check("diff", VERSION, &of_output::<Report<'_>>());
    }
}
