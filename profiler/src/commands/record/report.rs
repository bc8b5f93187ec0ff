//! What people are told on stderr, and what the kernel tells of a process.

use std::collections::BTreeSet;
use std::path::Path;

use crate::process_status;
use crate::recording::{Assumption, Phase, Recording};
use crate::target::command::{LeftoversEnd, LeftoversReport};
use crate::terminal;

/// A recording that lies where it should: what is in it, and what to do with it.
pub(super) fn written(path: &Path, recording: &Recording) {
    let in_phase = |phase: Phase| {
        recording
            .architectures
            .values()
            .flat_map(|calls| calls.values())
            .filter(|call| call.phases().contains(&phase))
            .count()
    };
    let runs = match recording.runs.len() {
        1 => String::new(),
        runs => format!(", in {runs} runs"),
    };
    terminal::say(&format!(
        "recorded {} calls of the workload, {} of exec sessions, {} of the runtime's tail{runs}",
        in_phase(Phase::Workload),
        in_phase(Phase::Exec),
        in_phase(Phase::Runtime),
    ));
    let tried = recording
        .architectures
        .values()
        .flat_map(|calls| calls.values())
        .filter(|call| !call.tried.is_empty())
        .count();
    if tried > 0 {
        terminal::say(&format!(
            "tried and refused by the filter {}: {tried}",
            recording.confinement.filter.name
        ));
    }
    let numbers: BTreeSet<&String> = recording
        .architectures
        .values()
        .flat_map(|calls| calls.keys())
        .filter(|name| name.parse::<i64>().is_ok())
        .collect();
    if let Some(first) = numbers.first() {
        terminal::say(&format!(
            "warning: calls whose numbers no table names are kept as numbers: {} of them, {first} for one",
            numbers.len()
        ));
    }
    if recording.capabilities.observed_by.is_none() {
        terminal::say("capabilities were not observed: this kernel has no hook for them");
    }
    for assumption in &recording.assumptions {
        terminal::say(match assumption {
            Assumption::RuntimeTailUnseen => {
                "not seen: the container runtime's last calls behind the filter; `generate --runtime` adds measured ones, a restart under recording shows them"
            }
            Assumption::StartUpUnseen => {
                "not seen: how it starts; a restart under recording shows it"
            }
            Assumption::ShutdownUnseen => "not seen: how it stops; a stop under recording shows it",
        });
    }
    match recording.losses.in_words() {
        Some(lost) => terminal::say(&format!(
            "warning: not everything was kept ({lost}); see \"losses\" in it"
        )),
        None => terminal::say("nothing was lost"),
    }
    terminal::say(&format!(
        "wrote {path}; next: profiler generate {path}",
        path = path.display()
    ));
}

pub(super) fn leftovers(report: &LeftoversReport) {
    let end = match report.end {
        LeftoversEnd::ByThemselves => "all ended by themselves".to_owned(),
        LeftoversEnd::Terminated => "ended with SIGTERM".to_owned(),
        LeftoversEnd::Killed(killed) => format!("{killed} had to be killed"),
        LeftoversEnd::Remain(remain) => {
            format!("{remain} are there still; the kernel is busy for them")
        }
    };
    terminal::say(&format!(
        "the command left {} processes behind: {end}",
        report.found
    ));
}

/// The capabilities that a process can have at most; `None` where it is gone.
pub(super) fn bounding_set(process: &str) -> Option<Vec<String>> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    process_status::capabilities(&status, "CapBnd")
}
