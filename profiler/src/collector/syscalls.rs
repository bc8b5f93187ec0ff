//! Call sets and first-seen events to named calls.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;
use profiler_common::{Abi, FirstSeen};

use super::arguments::arguments;
use super::{RunClock, Sessions, add};
use crate::kernel::{DenialSighting, ProgramFacts, SeenCall};
use crate::names;
use crate::recording::{Attempt, Syscall};

/// By architecture, then by call name; both in a stable order.
pub fn architectures(
    clock: RunClock,
    programs: &[ProgramFacts],
    sessions: &Sessions,
) -> IndexMap<String, IndexMap<String, Syscall>> {
    let mut calls = Calls::default();
    for program in programs {
        let first = first_by_call(&program.first_seen);
        for &call in &program.calls {
            let sighting = first.get(&call).map(|event| {
                clock.sighting(
                    event.time_ns,
                    event.process,
                    &event.comm,
                    event.args.to_vec(),
                )
            });
            let mut caller = clock.caller(program, sessions, sighting);
            caller.arguments = arguments(call, program);
            add(&mut calls.at(call).callers, caller);
        }
        for denial in &program.denials {
            if let Some(abi) = Abi::from_index(denial.key.abi) {
                let call = SeenCall {
                    abi,
                    number: denial.key.number,
                };
                try_again(
                    &mut calls.at(call).tried,
                    attempt(clock, program, sessions, denial),
                );
            }
        }
    }
    calls.named()
}

#[derive(Default)]
struct Calls(BTreeMap<usize, BTreeMap<String, Syscall>>);

impl Calls {
    fn at(&mut self, call: SeenCall) -> &mut Syscall {
        self.0
            .entry(call.abi as usize)
            .or_default()
            .entry(names::syscall(call.abi, call.number))
            .or_insert_with(|| Syscall {
                number: call.number,
                callers: Vec::new(),
                tried: Vec::new(),
            })
    }

    fn named(self) -> IndexMap<String, IndexMap<String, Syscall>> {
        self.0
            .into_iter()
            .map(|(abi, calls)| {
                let name = names::architecture(Abi::ALL[abi]);
                let sorted = calls.into_iter().map(|(name, mut call)| {
                    call.callers.sort_by(|a, b| a.identity().cmp(&b.identity()));
                    (name, call)
                });
                (name.to_owned(), sorted.collect())
            })
            .collect()
    }
}

fn attempt(
    clock: RunClock,
    program: &ProgramFacts,
    sessions: &Sessions,
    denial: &DenialSighting,
) -> Attempt {
    let DenialSighting { key, seen } = denial;
    let first = clock.sighting(seen.time_ns, seen.process, &key.comm, Vec::new());
    Attempt {
        caller: clock.caller(program, sessions, Some(first)),
        // A signal is on its way where the result is the call's own number still.
        errno: (key.result < 0).then_some(-key.result),
        counts: BTreeMap::from([(clock.run, seen.count)]),
    }
}

/// Threads of one executable with different names are one caller.
fn try_again(attempts: &mut Vec<Attempt>, attempt: Attempt) {
    let known = attempts.iter_mut().find(|known| {
        known.errno == attempt.errno && known.caller.identity() == attempt.caller.identity()
    });
    match known {
        Some(known) => {
            for (run, count) in attempt.counts {
                *known.counts.entry(run).or_default() += count;
            }
        }
        None => attempts.push(attempt),
    }
}

/// Two processors may both have been first.
fn first_by_call(events: &[FirstSeen]) -> HashMap<SeenCall, &FirstSeen> {
    let mut first: HashMap<SeenCall, &FirstSeen> = HashMap::new();
    for event in events {
        let Some(abi) = Abi::from_index(event.abi) else {
            continue;
        };
        let call = SeenCall {
            abi,
            number: event.number,
        };
        first
            .entry(call)
            .and_modify(|earliest| {
                if event.time_ns < earliest.time_ns {
                    *earliest = event;
                }
            })
            .or_insert(event);
    }
    first
}

#[cfg(test)]
mod tests {
    use profiler_common::{Abi, DenialKey, DenialSeen, EXE_LEN, FirstSeen, Phase};

    use super::architectures;
    use crate::collector::{RunClock, Sessions};
    use crate::kernel::{DenialSighting, ProgramFacts, SeenCall};
    use crate::recording;

    const CLOCK: RunClock = RunClock {
        run: 1,
        started_ns: 5_000_000,
    };

    fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
        let mut padded = [0; N];
        padded[..text.len()].copy_from_slice(text);
        padded
    }

    fn event(number: i32, time_ns: u64, comm: &[u8]) -> FirstSeen {
        FirstSeen {
            time_ns,
            args: [7; 6],
            program: 0,
            number,
            process: 42,
            thread: 42,
            abi: Abi::X86_64 as u8,
            reserved: [0; 7],
            comm: padded(comm),
        }
    }

    fn denial(number: i32, result: i32, comm: &[u8]) -> DenialSighting {
        DenialSighting {
            key: DenialKey {
                program: 0,
                number,
                result,
                abi: 0,
                reserved: [0; 3],
                comm: padded(comm),
            },
            seen: DenialSeen {
                time_ns: 6_000_000,
                count: 2,
                process: 42,
                thread: 42,
            },
        }
    }

    fn program(phase: Phase, exe: &[u8], calls: &[(Abi, i32)]) -> ProgramFacts {
        ProgramFacts {
            phase,
            session: None,
            exe: padded::<EXE_LEN>(exe).to_vec(),
            calls: calls
                .iter()
                .map(|&(abi, number)| SeenCall { abi, number })
                .collect(),
            first_seen: Vec::new(),
            arguments: Vec::new(),
            capabilities: Vec::new(),
            gained: false,
            low_ports: Vec::new(),
            denials: Vec::new(),
        }
    }

    #[test]
    fn each_abi_names_its_own_numbers() {
        let calls = [(Abi::I386, 20), (Abi::X86_64, 20), (Abi::X86_64, -1)];
        let programs = [program(Phase::Workload, b"/bin/x", &calls)];
        let found = architectures(CLOCK, &programs, &Sessions::default());
        let shown: Vec<_> = found
            .iter()
            .map(|(arch, calls)| (arch.as_str(), calls.keys().cloned().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            shown,
            [
                ("SCMP_ARCH_X86_64", vec!["-1".into(), "writev".into()]),
                ("SCMP_ARCH_X86", vec!["getpid".into()]),
            ]
        );
    }

    #[test]
    fn a_call_of_two_programs_has_two_callers() {
        let read = [(Abi::X86_64, 0)];
        let programs = [
            program(Phase::Exec, b"/bin/b", &read),
            program(Phase::Runtime, b"", &read),
            program(Phase::Exec, b"/bin/a", &read),
        ];
        let found = architectures(CLOCK, &programs, &Sessions::default());
        let callers: Vec<_> = found["SCMP_ARCH_X86_64"]["read"]
            .callers
            .iter()
            .map(|caller| (caller.phase, caller.exe.clone()))
            .collect();
        assert_eq!(
            callers,
            [
                (recording::Phase::Runtime, None),
                (recording::Phase::Exec, Some("/bin/a".into())),
                (recording::Phase::Exec, Some("/bin/b".into())),
            ]
        );
    }

    #[test]
    fn the_earliest_of_two_firsts_counts_and_a_lost_one_loses_no_call() {
        let mut program = program(Phase::Workload, b"", &[(Abi::X86_64, 0), (Abi::X86_64, 1)]);
        program.first_seen = vec![event(0, 9_000_000, b"late"), event(0, 8_000_000, b"early")];
        let found = architectures(CLOCK, &[program], &Sessions::default());
        let calls = &found["SCMP_ARCH_X86_64"];
        let read = calls["read"].callers[0].first.clone().unwrap();
        assert_eq!((read.comm.to_string().as_str(), read.at_ms), ("early", 3));
        assert_eq!(calls["write"].callers[0].first, None);
    }

    #[test]
    fn a_refused_call_was_tried_and_not_made() {
        let mut program = program(Phase::Workload, b"/bin/x", &[(Abi::X86_64, 0)]);
        program.denials = vec![
            denial(101, -1, b"one"),
            denial(101, -1, b"other"),
            denial(101, 101, b"one"),
        ];
        let found = architectures(CLOCK, &[program], &Sessions::default());
        let ptrace = &found["SCMP_ARCH_X86_64"]["ptrace"];
        assert!(ptrace.callers.is_empty());
        let tried: Vec<_> = ptrace
            .tried
            .iter()
            .map(|attempt| (attempt.errno, attempt.count()))
            .collect();
        assert_eq!(tried, [(Some(1), 4), (None, 2)]);
    }
}
