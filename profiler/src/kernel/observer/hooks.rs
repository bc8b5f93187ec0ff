//! Which program is attached where; of the capability hooks, the best that the kernel allows.

use std::io;

use aya::programs::{BtfTracePoint, FExit, KProbe, ProgramError, TracePoint};
use aya::{Btf, Ebpf};

use super::misses::{self, Probe};
use super::{Cause, ObserverError, joined};

/// In the environment, for trying it out: `btf` or `classic`, whatever the kernel is like.
const KIND: &str = "PROFILER_TRACEPOINTS";
/// The same: the one capability hook to use, by its name in the recording.
const CAPABILITY_HOOK: &str = "PROFILER_CAPABILITY_HOOK";

/// A program at a BTF tracepoint of its own name.
struct Tracepoint {
    name: &'static str,
    /// Else only where denials are watched.
    always: bool,
    /// The program that can take its place at the classic tracepoint of the same name.
    classic: Option<&'static str>,
}

impl Tracepoint {
    fn programs(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.classic)
    }
}

const fn lineage(name: &'static str) -> Tracepoint {
    Tracepoint {
        name,
        always: true,
        classic: None,
    }
}

const TRACEPOINTS: [Tracepoint; 8] = [
    lineage("sched_process_fork"),
    lineage("sched_process_exec"),
    lineage("sched_process_exit"),
    lineage("cgroup_mkdir"),
    lineage("cgroup_rmdir"),
    lineage("cgroup_attach_task"),
    Tracepoint {
        name: "sys_exit",
        always: false,
        classic: Some("classic_sys_exit"),
    },
    // Last, so that lineage is known before the first call counts.
    Tracepoint {
        name: "sys_enter",
        always: true,
        classic: Some("classic_sys_enter"),
    },
];

/// Of the classic ones.
const CATEGORY: &str = "raw_syscalls";

/// `preemptible`: programs at BTF tracepoints are, and are not run for what others do meanwhile on
/// that processor. Calls are seen at classic ones then, which switch preemption off.
pub(super) fn attach_all(
    ebpf: &mut Ebpf,
    btf: &Btf,
    denials: bool,
    preemptible: bool,
) -> Result<(), ObserverError> {
    let prefers_classic = std::env::var(KIND).map_or(preemptible, |kind| kind == "classic");
    let wanted = TRACEPOINTS.iter().filter(|one| one.always || denials);
    let (classic, others): (Vec<_>, Vec<_>) =
        wanted.partition(|one| prefers_classic && one.classic.is_some());
    load_all(ebpf, btf, &others)?;
    for one in others {
        let program: &mut BtfTracePoint = named(ebpf, one.name)?;
        program.attach().map_err(refused(one.name))?;
    }
    for one in classic {
        if let Err(error) = attach_classic(ebpf, one) {
            // Lockdown, for one, refuses it; what is missed then is counted.
            log::debug!("{error}");
            tracepoint(ebpf, one.name, btf)?;
        }
    }
    Ok(())
}

/// The verifier takes most of the time and looks at several at once.
fn load_all(ebpf: &mut Ebpf, btf: &Btf, wanted: &[&Tracepoint]) -> Result<(), ObserverError> {
    std::thread::scope(|threads| {
        let mut loads = Vec::new();
        for (name, program) in ebpf.programs_mut() {
            if let Some(Tracepoint { name, .. }) = wanted.iter().find(|one| one.name == name) {
                let program: &mut BtfTracePoint = program.try_into().map_err(refused(name))?;
                loads.push(threads.spawn(move || program.load(name, btf).map_err(refused(name))));
            }
        }
        loads.into_iter().try_for_each(joined)
    })
}

fn attach_classic(ebpf: &mut Ebpf, tracepoint: &Tracepoint) -> Result<(), ObserverError> {
    let Some(name) = tracepoint.classic else {
        return Ok(());
    };
    let program: &mut TracePoint = named(ebpf, name)?;
    program.load().map_err(refused(name))?;
    program
        .attach(CATEGORY, tracepoint.name)
        .map_err(refused(name))?;
    Ok(())
}

/// Moments that the kernel did not show those that are attached always, or with denials: each while
/// the program ran already on that processor, as happens where it can be preempted (Linux 7.3).
pub(super) fn missed(ebpf: &Ebpf) -> io::Result<u64> {
    let names = TRACEPOINTS.iter().flat_map(Tracepoint::programs);
    let programs = names.filter_map(|name| ebpf.program(name));
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
    /// Where the others can be preempted, and would not be run for what others ask meanwhile.
    const SURE_FIRST: [Self; 3] = [Self::Probes, Self::Exit, Self::Tracepoint];

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

/// `None`: the kernel allows no hook.
pub(super) fn attach_capabilities(
    ebpf: &mut Ebpf,
    btf: &Btf,
    preemptible: bool,
) -> Option<Attached> {
    let wanted = std::env::var(CAPABILITY_HOOK).ok();
    let wanted = wanted.as_deref();
    let hooks = if preemptible {
        CapabilityHook::SURE_FIRST
    } else {
        CapabilityHook::BEST_FIRST
    };
    hooks
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
    use super::TRACEPOINTS;

    #[test]
    fn the_committed_object_holds_every_program() {
        let object = String::from_utf8_lossy(crate::kernel::OBJECT);
        let tracepoints = TRACEPOINTS
            .each_ref()
            .map(|one| format!("tp_btf/{}", one.name));
        let classic = TRACEPOINTS.iter().filter_map(|one| one.classic);
        let hooks = [
            "fexit/cap_capable",
            "tp_btf/cap_capable",
            "cap_capable_entry",
            "cap_capable_return",
        ];
        for program in tracepoints
            .iter()
            .map(String::as_str)
            .chain(classic)
            .chain(hooks)
        {
            assert!(object.contains(program), "{program} is missing");
        }
    }
}
