//! Raw facts to the sections of a recording: numbers get names, the first of each is kept.
//!
//! A pure function of what the kernel side read. It judges nothing and leaves nothing out.

mod arguments;
mod capabilities;
mod privileges;
mod sessions;
mod syscalls;

pub use capabilities::capability_checks;
pub(crate) use capabilities::check as capability_check;
pub use privileges::{gains, low_ports};
pub use sessions::{Sessions, sessions};
pub use syscalls::architectures;

use profiler_common::{Abi, FirstSeen};

use crate::kernel::{LossCounts, ProgramFacts};
use crate::names;
use crate::recording::{Arguments, Caller, Losses, Phase, Sighting, Text};

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

    fn caller(
        self,
        program: &ProgramFacts,
        sessions: &Sessions,
        first: Option<Sighting>,
    ) -> Caller {
        Caller {
            phase: phase(program.phase),
            session: program.session.and_then(|id| sessions.id(id)),
            exe: Text::from_c_bytes(&program.exe),
            runs: vec![self.run],
            first,
            arguments: None,
        }
    }
}

/// Of a first sight's call.
pub fn call_name(seen: &FirstSeen) -> String {
    Abi::from_index(seen.abi).map_or_else(
        || seen.number.to_string(),
        |abi| names::syscall(abi, seen.number),
    )
}

/// `unidentified`: containers that the engine could not be asked about.
pub fn losses(counts: &LossCounts, unidentified: u64) -> Losses {
    Losses {
        events: counts.events,
        processes: counts.processes,
        programs: counts.programs,
        sessions: counts.sessions,
        stray_calls: counts.stray_calls,
        capability_checks: counts.capability_checks,
        low_ports: counts.low_ports,
        arguments: counts.arguments,
        denials: counts.denials,
        in_flight: counts.in_flight,
        cgroups: counts.cgroups,
        scopes: counts.scopes,
        unshown: counts.unshown,
        unidentified,
    }
}

pub(crate) fn phase(phase: profiler_common::Phase) -> Phase {
    match phase {
        profiler_common::Phase::Runtime => Phase::Runtime,
        profiler_common::Phase::Workload => Phase::Workload,
        profiler_common::Phase::Exec => Phase::Exec,
    }
}

/// Two programs are one caller where their executables' names were cut, or sessions are alike.
fn add(callers: &mut Vec<Caller>, mut caller: Caller) {
    match callers
        .iter_mut()
        .find(|known| known.identity() == caller.identity())
    {
        Some(known) => {
            known.arguments = Arguments::united(known.arguments.take(), caller.arguments.take());
            let time = |caller: &Caller| caller.first.as_ref().map(|first| first.at_ms);
            if known.first.is_none() || (caller.first.is_some() && time(&caller) < time(known)) {
                known.first = caller.first;
            }
        }
        None => callers.push(caller),
    }
}
