//! What was recorded, how, and what is not in it.

use crate::recording::{Assumption, Confinement, Filter, Recording, Status, Subject, command_line};
use crate::words::count;

pub(super) fn head(recording: &Recording) -> Vec<String> {
    let mut lines = vec![format!("Subject: {}", recording.subject)];
    if let Subject::Image { argv, .. } = &recording.subject {
        lines.push(format!("Command: {}", command_line(argv)));
    }
    lines.push(format!("Runs: {}", runs(recording)));
    lines.push(format!(
        "Ran under: {}",
        confinement(&recording.confinement)
    ));
    if !recording.assumptions.is_empty() {
        let unseen: Vec<_> = recording.assumptions.iter().copied().map(unseen).collect();
        lines.push(format!("Not seen: {}", unseen.join("; ")));
    }
    let mut lost: Vec<String> = recording.losses.in_words().into_iter().collect();
    if recording.status == Status::Checkpoint {
        lost.push("what came after the last checkpoint".to_owned());
    }
    if lost.is_empty() {
        lost.push("nothing".to_owned());
    }
    lines.push(format!("Lost: {}", lost.join("; ")));
    lines
}

fn runs(recording: &Recording) -> String {
    let runs = &recording.runs;
    let passed = runs.iter().filter(|run| run.outcome.passed).count();
    let mut parts = vec![format!("{passed} of {} passed", runs.len())];
    for run in runs.iter().filter(|run| !run.outcome.passed) {
        let reason = run.outcome.reason.iter().map(|text| format!(": {text}"));
        let reason: String = reason.collect();
        parts.push(format!("run {} did not{reason}", run.id));
    }
    parts.join("; ")
}

fn confinement(confinement: &Confinement) -> String {
    let filter = &confinement.filter;
    let mut parts = vec![if filter.is(Filter::UNCONFINED) {
        "no filter".to_owned()
    } else {
        format!("the filter {}", filter.name)
    }];
    if confinement.privileged {
        parts.push("privileged".to_owned());
    }
    if confinement.no_new_privileges {
        parts.push("no-new-privileges".to_owned());
    }
    parts.push(match &confinement.capabilities {
        None => "capabilities not known".to_owned(),
        Some(names) if names.is_empty() => "no capabilities".to_owned(),
        // Who has all of them is told so at a glance.
        Some(names) if names.len() == crate::names::CAPABILITIES.len() => {
            "all capabilities".to_owned()
        }
        Some(names) => {
            let number = count(names.len(), "capability", "capabilities");
            format!("{number} ({})", names.join(" "))
        }
    });
    parts.join(", ")
}

fn unseen(assumption: Assumption) -> &'static str {
    match assumption {
        Assumption::RuntimeTailUnseen => {
            "what the container runtime calls behind the filter before the first program"
        }
        Assumption::StartUpUnseen => "the start-up",
        Assumption::ShutdownUnseen => "the shutdown",
    }
}
