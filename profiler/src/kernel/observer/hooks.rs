//! Which program is attached where; of the capability hooks, the best that the kernel allows.

use aya::programs::{BtfTracePoint, FExit, KProbe};
use aya::{Btf, Ebpf};

use super::{Cause, ObserverError};

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
    for (program, always) in PROGRAMS {
        if always || denials {
            tracepoint(ebpf, program, btf)?;
        }
    }
    Ok(())
}

/// Where capability checks can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CapabilityHook {
    /// Told of the verdict that counts, and not of overcommit; some kernels refuse fexit programs.
    SecurityCapable,
    /// Since Linux 6.17.
    Tracepoint,
    /// Anywhere, at a higher price.
    Probes,
}

impl CapabilityHook {
    const BEST_FIRST: [Self; 3] = [Self::SecurityCapable, Self::Tracepoint, Self::Probes];

    /// As the recording has it.
    fn name(self) -> &'static str {
        match self {
            Self::SecurityCapable => "fexit/security_capable",
            Self::Tracepoint => "tp_btf/cap_capable",
            Self::Probes => "kprobe/cap_capable",
        }
    }

    fn attach(self, ebpf: &mut Ebpf, btf: &Btf) -> Result<(), ObserverError> {
        match self {
            Self::SecurityCapable => {
                let name = "security_capable";
                let program: &mut FExit = named(ebpf, name)?;
                program.load(name, btf).map_err(refused(name))?;
                program.attach().map_err(refused(name))?;
            }
            Self::Tracepoint => tracepoint(ebpf, "cap_capable", btf)?,
            Self::Probes => {
                for name in ["cap_capable_return", "cap_capable_entry"] {
                    let program: &mut KProbe = named(ebpf, name)?;
                    program.load().map_err(refused(name))?;
                    program.attach("cap_capable", 0).map_err(refused(name))?;
                }
            }
        }
        Ok(())
    }
}

/// The hook's name; `None`: the kernel allows none of them. `wanted` names one, for trying it out.
pub(super) fn attach_capabilities(
    ebpf: &mut Ebpf,
    btf: &Btf,
    wanted: Option<&str>,
) -> Option<&'static str> {
    CapabilityHook::BEST_FIRST
        .into_iter()
        .filter(|hook| wanted.is_none_or(|wanted| hook.name() == wanted))
        .find(|hook| match hook.attach(ebpf, btf) {
            Ok(()) => true,
            Err(error) => {
                log::debug!("{}: {error}", hook.name());
                false
            }
        })
        .map(CapabilityHook::name)
}

fn tracepoint(ebpf: &mut Ebpf, name: &'static str, btf: &Btf) -> Result<(), ObserverError> {
    let program: &mut BtfTracePoint = named(ebpf, name)?;
    program.load(name, btf).map_err(refused(name))?;
    program.attach().map_err(refused(name))?;
    Ok(())
}

fn named<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, ObserverError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = aya::programs::ProgramError>,
{
    ebpf.program_mut(name)
        .expect("the committed object holds every program named here; a unit test looks")
        .try_into()
        .map_err(refused(name))
}

fn refused(program: &'static str) -> impl Fn(aya::programs::ProgramError) -> ObserverError {
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
            "fexit/security_capable",
            "tp_btf/cap_capable",
            "cap_capable_entry",
            "cap_capable_return",
        ];
        for program in tracepoints.iter().map(String::as_str).chain(hooks) {
            assert!(object.contains(program), "{program} is missing");
        }
    }
}
