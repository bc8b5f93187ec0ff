//! What bears on privileges beside the capability checks: execs that gained some, ports that ask
//! for some.

use std::collections::BTreeMap;

use super::{RunClock, Sessions, add};
use crate::kernel::ProgramFacts;
use crate::recording::{Caller, Gain, LowPort};

/// In a stable order, without first sightings: nobody noted them.
pub fn gains(clock: RunClock, programs: &[ProgramFacts], sessions: &Sessions) -> Vec<Gain> {
    let mut callers = Vec::new();
    for program in programs.iter().filter(|program| program.gained) {
        add(&mut callers, clock.caller(program, sessions, None));
    }
    callers.sort_by(|a, b| a.identity().cmp(&b.identity()));
    callers.into_iter().map(|caller| Gain { caller }).collect()
}

/// By port, without first sightings.
pub fn low_ports(clock: RunClock, programs: &[ProgramFacts], sessions: &Sessions) -> Vec<LowPort> {
    let mut ports: BTreeMap<u16, Vec<Caller>> = BTreeMap::new();
    for program in programs {
        for &port in &program.low_ports {
            let caller = clock.caller(program, sessions, None);
            add(ports.entry(port).or_default(), caller);
        }
    }
    ports
        .into_iter()
        .map(|(port, mut callers)| {
            callers.sort_by(|a, b| a.identity().cmp(&b.identity()));
            LowPort { port, callers }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{gains, low_ports};
    use crate::collector::{RunClock, Sessions};
    use crate::kernel::ProgramFacts;

    const CLOCK: RunClock = RunClock {
        run: 1,
        started_ns: 0,
    };

    fn program(exe: &[u8], gained: bool, low_ports: &[u16]) -> ProgramFacts {
        ProgramFacts {
            phase: profiler_common::Phase::Workload,
            session: None,
            exe: exe.to_vec(),
            calls: Vec::new(),
            first_seen: Vec::new(),
            arguments: Vec::new(),
            capabilities: Vec::new(),
            gained,
            low_ports: low_ports.to_vec(),
            denials: Vec::new(),
        }
    }

    #[test]
    fn who_gained_and_who_bound_is_told() {
        let programs = [
            program(b"/usr/sbin/nginx", false, &[443, 80]),
            program(b"/bin/su", true, &[]),
            program(b"/usr/bin/python3", false, &[80]),
        ];
        let sessions = Sessions::default();
        let gained: Vec<_> = gains(CLOCK, &programs, &sessions)
            .into_iter()
            .map(|gain| gain.caller.exe)
            .collect();
        assert_eq!(gained, [Some("/bin/su".into())]);
        let bound: Vec<_> = low_ports(CLOCK, &programs, &sessions)
            .iter()
            .map(|low| (low.port, low.callers.len()))
            .collect();
        assert_eq!(bound, [(80, 2), (443, 1)]);
    }
}
