//! What people are told on stderr, and what the kernel tells of a process.

use std::path::Path;

use crate::process_status;
use crate::recording::{Phase, Recording};
use crate::target::command::{LeftoversEnd, LeftoversReport};

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
    eprintln!(
        "profiler: recorded {} calls of the workload, {} of exec sessions, {} of the runtime's tail",
        in_phase(Phase::Workload),
        in_phase(Phase::Exec),
        in_phase(Phase::Runtime),
    );
    if recording.capabilities.observed_by.is_none() {
        eprintln!("profiler: capabilities were not observed: this kernel has no hook for them");
    }
    if let Some(lost) = recording.losses.in_words() {
        eprintln!("profiler: warning: not everything was kept ({lost}); see \"losses\" in it");
    }
    eprintln!(
        "profiler: wrote {path}; next: profiler generate {path}",
        path = path.display()
    );
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
    eprintln!(
        "profiler: the command left {} processes behind: {end}",
        report.found
    );
}

/// The capabilities that a process can have at most; `None` where it is gone.
pub(super) fn bounding_set(process: &str) -> Option<Vec<String>> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    process_status::capabilities(&status, "CapBnd")
}
