//! Which program is attached where; of the capability hooks, the best that the kernel allows.

use std::io;

use aya::programs::{BtfTracePoint, FExit, KProbe, ProgramError};
use aya::{Btf, Ebpf};

use super::misses::{self, Probe};
use super::{Cause, ObserverError, joined};

/// Program, and whether it is attached always (else only where denials are watched).
const PROGRAMS: [(&str, bool); 8] = [
    ("sched_process_fork", true),
    ("sched_process_exec", true),
    ("sched_process_exit", true),
    ("cgroup_mkdir", true),
    ("cgroup_rmdir", true),
    ("cgroup_attach_task", true),
    ("sys_exit", false),
    // Last, so that lineage is known before the first call counts.
    ("sys_enter", true),
];

pub(super) fn attach_all(ebpf: &mut Ebpf, btf: &Btf, denials: bool) -> Result<(), ObserverError> {
    let wanted: Vec<_> = PROGRAMS
        .into_iter()
        .filter_map(|(name, always)| (always || denials).then_some(name))
        .collect();
    // The verifier takes most of the time and looks at several at once.
    std::thread::scope(|threads| {
        let mut loads = Vec::new();
        for (name, program) in ebpf.programs_mut() {
            if let Some(&name) = wanted.iter().find(|wanted| **wanted == name) {
                let program: &mut BtfTracePoint = program.try_into().map_err(refused(name))?;
                loads.push(threads.spawn(move || program.load(name, btf).map_err(refused(name))));
            }
        }
        loads.into_iter().try_for_each(joined)
    })?;
    for name in wanted {
        let program: &mut BtfTracePoint = named(ebpf, name)?;
        program.attach().map_err(refused(name))?;
    }
    Ok(())
}

/// Moments that the kernel did not show those that are attached always, or with denials: each while
/// the program ran already on that processor, as happens where it can be preempted (Linux 7.3).
pub(super) fn missed(ebpf: &Ebpf) -> io::Result<u64> {
    let programs = PROGRAMS.iter().filter_map(|(name, _)| ebpf.program(name));
    let attached = programs.filter_map(|program| program.fd().ok());
    attached.map(misses::of_program).sum()
}

/// Where capability checks can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CapabilityHook {
    /// Told of the options too; some kernels refuse fexit programs.
    Exit,
    /// Since Linux 6.17.
    Tracepoint,
    /// Anywhere, at a higher price.
    Probes,
}

impl CapabilityHook {
    const BEST_FIRST: [Self; 3] = [Self::Exit, Self::Tracepoint, Self::Probes];

    /// As the recording has it.
    fn name(self) -> &'static str {
        match self {
            Self::Exit => "fexit/cap_capable",
            Self::Tracepoint => "tp_btf/cap_capable",
            Self::Probes => "kprobe/cap_capable",
        }
    }

    /// What sees a check begin, or all of it. A verdict that the other kprobe misses is known by
    /// the check that stays in flight.
    fn program(self) -> &'static str {
        match self {
            Self::Exit => "cap_capable_exit",
            Self::Tracepoint => "cap_capable",
            Self::Probes => "cap_capable_entry",
        }
    }

    fn attach(self, ebpf: &mut Ebpf, btf: &Btf) -> Result<Attached, ObserverError> {
        let mut probes = Vec::new();
        match self {
            Self::Exit => {
                let name = self.program();
                let program: &mut FExit = named(ebpf, name)?;
                program.load("cap_capable", btf).map_err(refused(name))?;
                program.attach().map_err(refused(name))?;
            }
            Self::Tracepoint => tracepoint(ebpf, self.program(), btf)?,
            Self::Probes => {
                for name in ["cap_capable_return", self.program()] {
                    probes.push(probe(ebpf, name)?);
                }
            }
        }
        Ok(Attached { hook: self, probes })
    }
}

/// A capability hook that serves.
pub(super) struct Attached {
    hook: CapabilityHook,
    /// Where it is kprobes; the one that sees a check begin is the last.
    probes: Vec<Probe>,
}

impl Attached {
    pub(super) fn name(&self) -> &'static str {
        self.hook.name()
    }

    /// Of kprobes it is counted since Linux 6.7, of the others always
    /// (<https://github.com/torvalds/linux/commit/3acf8ace68230e9558cf916847f1cc9f208abdf1>).
    pub(super) fn counts_misses(&self) -> bool {
        self.probes.iter().all(Probe::is_counted)
    }

    /// Checks that its program was not run for.
    pub(super) fn missed(&self, ebpf: &Ebpf) -> io::Result<u64> {
        let program = ebpf.program(self.hook.program());
        let program = program.and_then(|program| program.fd().ok());
        let by_program = program.map_or(Ok(0), misses::of_program)?;
        let by_probe = self.probes.last().map_or(Ok(0), Probe::missed)?;
        Ok(by_program + by_probe)
    }
}

/// `None`: the kernel allows no hook. `wanted` names one, for trying it out.
pub(super) fn attach_capabilities(
    ebpf: &mut Ebpf,
    btf: &Btf,
    wanted: Option<&str>,
) -> Option<Attached> {
    CapabilityHook::BEST_FIRST
        .into_iter()
        .filter(|hook| wanted.is_none_or(|wanted| hook.name() == wanted))
        .find_map(|hook| {
            let attached = hook.attach(ebpf, btf);
            let refused = |error| log::debug!("{}: {error}", hook.name());
            attached.map_err(refused).ok()
        })
}

fn probe(ebpf: &mut Ebpf, name: &'static str) -> Result<Probe, ObserverError> {
    let program: &mut KProbe = named(ebpf, name)?;
    let attached = (program.load())
        .and_then(|()| program.attach("cap_capable", 0))
        .and_then(|link| program.take_link(link))
        // It is a link since Linux 5.15.
        .and_then(|link| link.try_into().map_err(|_| ProgramError::NotAttached));
    attached.map(Probe::new).map_err(refused(name))
}

fn tracepoint(ebpf: &mut Ebpf, name: &'static str, btf: &Btf) -> Result<(), ObserverError> {
    let program: &mut BtfTracePoint = named(ebpf, name)?;
    program.load(name, btf).map_err(refused(name))?;
    program.attach().map_err(refused(name))?;
    Ok(())
}

fn named<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, ObserverError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    ebpf.program_mut(name)
        .expect("the committed object holds every program named here; a unit test looks")
        .try_into()
        .map_err(refused(name))
}

fn refused(program: &'static str) -> impl Fn(ProgramError) -> ObserverError {
    move |error| ObserverError::Program {
        program,
        cause: Cause(error),
    }
}

#[cfg(test)]
mod tests {
    use super::PROGRAMS;

    #[test]
    fn the_committed_object_holds_every_program() {
        let object = String::from_utf8_lossy(crate::kernel::OBJECT);
        let tracepoints = PROGRAMS.map(|(program, _)| format!("tp_btf/{program}"));
        let hooks = [
            "fexit/cap_capable",
            "tp_btf/cap_capable",
            "cap_capable_entry",
            "cap_capable_return",
        ];
        for program in tracepoints.iter().map(String::as_str).chain(hooks) {
            assert!(object.contains(program), "{program} is missing");
        }
    }
}
