//! Raw facts to the sections of a recording: numbers get names, the first of each is kept.
//!
//! A pure function of what the kernel side read. It judges nothing and leaves nothing out.

mod capabilities;
mod syscalls;

pub use capabilities::capability_checks;
pub use syscalls::architectures;

use crate::kernel::LossCounts;
use crate::recording::{Losses, Phase, Sighting, Text};

/// The run that facts belong to.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    /// The run's id in the recording.
    pub run: u32,
    /// Nanoseconds of CLOCK_BOOTTIME.
    pub started_ns: u64,
}

impl RunClock {
    /// Milliseconds since the run started.
    fn at_ms(self, time_ns: u64) -> u64 {
        time_ns.saturating_sub(self.started_ns) / 1_000_000
    }

    fn sighting(self, time_ns: u64, process: u32, comm: &[u8], args: Vec<u64>) -> Sighting {
        Sighting {
            run: self.run,
            at_ms: self.at_ms(time_ns),
            process,
            comm: Text::from_c_bytes(comm).unwrap_or_else(|| "".into()),
            args,
        }
    }
}

pub fn losses(counts: &LossCounts) -> Losses {
    Losses {
        events: counts.events,
        processes: counts.processes,
        stray_calls: counts.stray_calls,
        capability_checks: counts.capability_checks,
        cgroups: counts.cgroups,
        ..Losses::default()
    }
}

fn phase(phase: profiler_common::Phase) -> Phase {
    match phase {
        profiler_common::Phase::Runtime => Phase::Runtime,
        profiler_common::Phase::Workload => Phase::Workload,
        profiler_common::Phase::Exec => Phase::Exec,
    }
}
