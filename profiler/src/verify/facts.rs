//! What the kernel side saw, in the judge's words.

use profiler_common::{Abi, CHECK_OWN_CREDENTIALS, CHECK_OWN_NAMESPACE};

use super::{Answer, CapabilityDenial, Denial, Lost, Observations};
use crate::kernel::{CapabilitySighting, DenialSighting, Facts, LossCounts, Symbols};
use crate::names;
use crate::recording::{Caller, CapabilityCheck, Phase, Text};

/// Denials and losses; starts and exit codes are the runner's to add.
///
/// `opportunistic`: why the kernel asks a check on its own account, where it does.
pub fn observe(
    facts: &Facts,
    symbols: &Symbols,
    opportunistic: impl Fn(&CapabilityCheck) -> Option<&'static str>,
) -> Observations {
    Observations {
        denials: facts.denials.iter().filter_map(denial).collect(),
        capability_denials: facts
            .capabilities
            .iter()
            .filter(|sighting| sighting.key.granted == 0)
            .filter_map(|sighting| capability_denial(sighting, symbols, &opportunistic))
            .collect(),
        lost: lost(facts.losses),
        ..Observations::default()
    }
}

/// `None` for a key that no program of ours writes.
fn denial(sighting: &DenialSighting) -> Option<Denial> {
    let DenialSighting { key, seen } = sighting;
    let abi = Abi::from_index(key.abi)?;
    Some(Denial {
        architecture: names::architecture(abi).to_owned(),
        syscall: names::syscall(abi, key.number),
        number: key.number,
        answer: Answer::from_result(key.result),
        count: seen.count,
        phase: phase(key.phase)?,
        comm: comm(&key.comm),
        exe: Text::from_c_bytes(&seen.exe),
    })
}

fn capability_denial(
    sighting: &CapabilitySighting,
    symbols: &Symbols,
    opportunistic: impl Fn(&CapabilityCheck) -> Option<&'static str>,
) -> Option<CapabilityDenial> {
    let CapabilitySighting { key, seen } = sighting;
    let abi = Abi::from_index(key.abi)?;
    let syscall = (key.number >= 0).then(|| names::syscall(abi, key.number));
    let check = CapabilityCheck {
        capability: names::capability(key.capability),
        granted: false,
        syscall,
        architecture: names::architecture(abi).to_owned(),
        own_namespace: key.flags & CHECK_OWN_NAMESPACE != 0,
        own_credentials: key.flags & CHECK_OWN_CREDENTIALS != 0,
        stack: symbols.askers(&key.stack),
        callers: vec![Caller {
            phase: phase(key.phase)?,
            session: None,
            exe: Text::from_c_bytes(&seen.exe),
            runs: Vec::new(),
            first: None,
        }],
    };
    Some(CapabilityDenial {
        opportunistic: opportunistic(&check).map(str::to_owned),
        capability: crate::capabilities::short(&check.capability).to_owned(),
        syscall: check.syscall,
        count: seen.count,
        phase: phase(key.phase)?,
        own_namespace: check.own_namespace,
        own_credentials: check.own_credentials,
        comm: comm(&seen.comm),
        exe: Text::from_c_bytes(&seen.exe),
    })
}

/// Events are evidence only, and strays and processes decide no verdict.
fn lost(losses: LossCounts) -> Lost {
    Lost {
        denials: losses.denials,
        in_flight: losses.in_flight,
        capability_checks: losses.capability_checks,
        cgroups: losses.cgroups,
    }
}

fn phase(index: u8) -> Option<Phase> {
    Some(match profiler_common::Phase::from_index(index)? {
        profiler_common::Phase::Runtime => Phase::Runtime,
        profiler_common::Phase::Workload => Phase::Workload,
        profiler_common::Phase::Exec => Phase::Exec,
    })
}

fn comm(bytes: &[u8]) -> Text {
    Text::from_c_bytes(bytes).unwrap_or_else(|| "?".into())
}

#[cfg(test)]
mod tests {
    use profiler_common::{
        CapabilityKey, CapabilitySeen, DenialKey, DenialSeen, EXE_LEN, STACK_LEN,
    };

    use super::observe;
    use crate::kernel::{CapabilitySighting, DenialSighting, Facts, LossCounts, Symbols};
    use crate::recording::Phase;
    use crate::verify::{Answer, Lost};

    fn padded<const N: usize>(text: &str) -> [u8; N] {
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        bytes
    }

    fn denied(abi: u8, phase: u8, number: i32, result: i32) -> DenialSighting {
        DenialSighting {
            key: DenialKey {
                slot: 0,
                number,
                result,
                abi,
                phase,
                reserved: [0; 2],
                comm: padded("sh"),
            },
            seen: DenialSeen {
                time_ns: 1,
                count: 2,
                process: 3,
                thread: 3,
                exe: padded("/bin/sh"),
            },
        }
    }

    fn check(capability: u8, granted: u8, flags: u8) -> CapabilitySighting {
        CapabilitySighting {
            key: CapabilityKey {
                stack: [0; STACK_LEN],
                slot: 0,
                number: 9,
                abi: 0,
                phase: 1,
                capability,
                granted,
                flags,
                reserved: [0; 3],
            },
            seen: CapabilitySeen {
                time_ns: 1,
                count: 5,
                process: 3,
                thread: 3,
                comm: padded("sh"),
                exe: [0; EXE_LEN],
            },
        }
    }

    #[test]
    fn denials_have_names_phases_and_answers() {
        let facts = Facts {
            denials: vec![denied(0, 1, 110, -1), denied(1, 0, 64, 64)],
            losses: LossCounts {
                events: 7,
                denials: 1,
                ..LossCounts::default()
            },
            ..Facts::default()
        };
        let seen = observe(&facts, &Symbols::load(), |_| None);
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
        let facts = Facts {
            capabilities: vec![check(21, 0, 3), check(21, 1, 3), check(0, 0, 2)],
            ..Facts::default()
        };
        let seen = observe(&facts, &Symbols::load(), |check| {
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
