//! What the kernel side saw, in the judge's words.

use profiler_common::Abi;

use super::{Answer, CapabilityDenial, Denial, Lost, Observations};
use crate::collector;
use crate::kernel::{CapabilitySighting, DenialSighting, Facts, LossCounts, ProgramFacts, Symbols};
use crate::names;
use crate::recording::{CapabilityCheck, Text};

/// Denials and losses; starts and exit codes are the runner's to add.
///
/// `opportunistic`: why the kernel asks a check on its own account, where it does.
pub fn observe(
    facts: &Facts,
    symbols: &Symbols,
    opportunistic: impl Fn(&CapabilityCheck) -> Option<&'static str>,
) -> Observations {
    let mut seen = Observations {
        lost: lost(facts.losses),
        ..Observations::default()
    };
    for program in &facts.programs {
        let denials = program.denials.iter();
        seen.denials
            .extend(denials.filter_map(|sighting| denial(program, sighting)));
        let refused = program
            .capabilities
            .iter()
            .filter(|sighting| sighting.key.granted == 0);
        seen.capability_denials.extend(
            refused.filter_map(|sighting| {
                capability_denial(program, sighting, symbols, &opportunistic)
            }),
        );
    }
    seen
}

/// `None` for a key that no program of ours writes.
fn denial(program: &ProgramFacts, sighting: &DenialSighting) -> Option<Denial> {
    let DenialSighting { key, seen } = sighting;
    let abi = Abi::from_index(key.abi)?;
    Some(Denial {
        architecture: names::architecture(abi).to_owned(),
        syscall: names::syscall(abi, key.number),
        number: key.number,
        answer: Answer::from_result(key.result),
        count: seen.count,
        phase: collector::phase(program.phase),
        comm: comm(&key.comm),
        exe: Text::from_c_bytes(&program.exe),
    })
}

fn capability_denial(
    program: &ProgramFacts,
    sighting: &CapabilitySighting,
    symbols: &Symbols,
    opportunistic: impl Fn(&CapabilityCheck) -> Option<&'static str>,
) -> Option<CapabilityDenial> {
    let check = collector::capability_check(sighting, symbols)?;
    Some(CapabilityDenial {
        opportunistic: opportunistic(&check).map(str::to_owned),
        capability: crate::capabilities::short(&check.capability).to_owned(),
        syscall: check.syscall,
        count: sighting.seen.count,
        phase: collector::phase(program.phase),
        own_namespace: check.own_namespace,
        own_credentials: check.own_credentials,
        comm: comm(&sighting.seen.comm),
        exe: Text::from_c_bytes(&program.exe),
    })
}

/// Events are evidence only, and strays decide no verdict. What the kernel did not show may have been
/// either end of a call.
fn lost(losses: LossCounts) -> Lost {
    Lost {
        denials: losses.denials,
        processes: losses.processes,
        in_flight: losses.in_flight + losses.unshown,
        capability_checks: losses.capability_checks,
        cgroups: losses.cgroups,
    }
}

fn comm(bytes: &[u8]) -> Text {
    Text::from_c_bytes(bytes).unwrap_or_else(|| "?".into())
}

#[cfg(test)]
mod tests {
    use profiler_common::{
        CapabilityKey, CapabilitySeen, DenialKey, DenialSeen, OPTS_UNSEEN, Phase as KernelPhase,
        STACK_LEN,
    };

    use super::observe;
    use crate::kernel::{
        CapabilitySighting, DenialSighting, Facts, LossCounts, ProgramFacts, Symbols,
    };
    use crate::recording::Phase;
    use crate::verify::{Answer, Lost};

    fn padded<const N: usize>(text: &str) -> [u8; N] {
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        bytes
    }

    fn program(phase: KernelPhase) -> ProgramFacts {
        ProgramFacts {
            phase,
            session: None,
            exe: b"/bin/sh\0".to_vec(),
            calls: Vec::new(),
            first_seen: Vec::new(),
            arguments: Vec::new(),
            capabilities: Vec::new(),
            gained: false,
            low_ports: Vec::new(),
            denials: Vec::new(),
        }
    }

    fn denied(abi: u8, number: i32, result: i32) -> DenialSighting {
        DenialSighting {
            key: DenialKey {
                program: 0,
                number,
                result,
                abi,
                reserved: [0; 3],
                comm: padded("sh"),
            },
            seen: DenialSeen {
                time_ns: 1,
                count: 2,
                process: 3,
                thread: 3,
            },
        }
    }

    fn check(capability: u8, granted: u8, flags: u8) -> CapabilitySighting {
        CapabilitySighting {
            key: CapabilityKey {
                stack: [0; STACK_LEN],
                program: 0,
                number: 9,
                abi: 0,
                capability,
                granted,
                flags,
                opts: OPTS_UNSEEN,
            },
            seen: CapabilitySeen {
                time_ns: 1,
                count: 5,
                process: 3,
                thread: 3,
                comm: padded("sh"),
            },
        }
    }

    #[test]
    fn denials_have_names_phases_and_answers() {
        let mut workload = program(KernelPhase::Workload);
        workload.denials = vec![denied(0, 110, -1)];
        let mut runtime = program(KernelPhase::Runtime);
        runtime.denials = vec![denied(1, 64, 64)];
        let facts = Facts {
            programs: vec![workload, runtime],
            losses: LossCounts {
                events: 7,
                denials: 1,
                ..LossCounts::default()
            },
            ..Facts::default()
        };
        let seen = observe(&facts, &Symbols::default(), |_| None);
        let [native, i386] = seen.denials.as_slice() else {
            panic!("{:?}", seen.denials)
        };
        assert_eq!(
            (native.syscall.as_str(), native.answer, native.count),
            ("getppid", Answer::Errno(1), 2)
        );
        assert_eq!(native.exe, Some("/bin/sh".into()));
        assert_eq!(
            (i386.syscall.as_str(), i386.answer, i386.phase),
            ("getppid", Answer::Signal, Phase::Runtime)
        );
        assert_eq!(i386.architecture, "SCMP_ARCH_X86");
        let lost = Lost {
            denials: 1,
            ..Lost::default()
        };
        assert_eq!(seen.lost, lost);
    }

    #[test]
    fn only_refused_checks_are_capability_denials() {
        let mut workload = program(KernelPhase::Workload);
        workload.capabilities = vec![check(21, 0, 3), check(21, 1, 3), check(0, 0, 2)];
        let facts = Facts {
            programs: vec![workload],
            ..Facts::default()
        };
        let seen = observe(&facts, &Symbols::default(), |check| {
            (check.capability == "CAP_SYS_ADMIN").then_some("overcommit")
        });
        let [admin, chown] = seen.capability_denials.as_slice() else {
            panic!("{:?}", seen.capability_denials)
        };
        assert_eq!(admin.capability, "SYS_ADMIN");
        assert_eq!(admin.opportunistic.as_deref(), Some("overcommit"));
        assert_eq!(admin.syscall.as_deref(), Some("mmap"));
        assert!(admin.own_namespace && admin.own_credentials);
        assert_eq!((chown.capability.as_str(), chown.count), ("CHOWN", 5));
        assert!(chown.own_namespace && !chown.own_credentials);
        assert_eq!(chown.opportunistic, None);
    }
}
