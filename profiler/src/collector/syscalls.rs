//! Call sets and first-seen events to named calls.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;
use profiler_common::{Abi, FirstSeen, Phase};

use super::RunClock;
use crate::kernel::{Facts, SeenCall};
use crate::names;
use crate::recording::{Caller, Syscall, Text};

/// By architecture, then by call name; both in a stable order.
pub fn architectures(
    clock: RunClock,
    facts: &Facts,
) -> IndexMap<String, IndexMap<String, Syscall>> {
    let first = first_by_call(&facts.first_seen);
    let mut sorted: BTreeMap<usize, BTreeMap<String, Syscall>> = BTreeMap::new();
    let mut calls = facts.calls.clone();
    calls.sort_unstable_by_key(|call| (call.abi as u8, call.number, call.phase as u8));
    for call in calls {
        let event = first.get(&call);
        let caller = Caller {
            phase: super::phase(call.phase),
            session: None,
            exe: event.and_then(|event| Text::from_c_bytes(&event.exe)),
            runs: vec![clock.run],
            first: event.map(|event| {
                clock.sighting(
                    event.time_ns,
                    event.process,
                    &event.comm,
                    event.args.to_vec(),
                )
            }),
        };
        sorted
            .entry(call.abi as usize)
            .or_default()
            .entry(names::syscall(call.abi, call.number))
            .or_insert_with(|| Syscall {
                number: call.number,
                callers: Vec::new(),
                tried: Vec::new(),
            })
            .callers
            .push(caller);
    }
    sorted
        .into_iter()
        .map(|(abi, calls)| {
            let name = names::architecture(Abi::ALL[abi]);
            (name.to_owned(), calls.into_iter().collect())
        })
        .collect()
}

/// Two processors may both have been first.
fn first_by_call(events: &[FirstSeen]) -> HashMap<SeenCall, &FirstSeen> {
    let mut first: HashMap<SeenCall, &FirstSeen> = HashMap::new();
    for event in events {
        let (Some(abi), Some(phase)) = (Abi::from_index(event.abi), Phase::from_index(event.phase))
        else {
            continue;
        };
        let call = SeenCall {
            abi,
            phase,
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
    use profiler_common::{Abi, EXE_LEN, FirstSeen, Phase};

    use super::architectures;
    use crate::collector::RunClock;
    use crate::kernel::{Facts, SeenCall};
    use crate::recording;

    const CLOCK: RunClock = RunClock {
        run: 1,
        started_ns: 5_000_000,
    };

    fn event(number: i32, time_ns: u64, comm: &[u8]) -> FirstSeen {
        let mut padded = [0; 16];
        padded[..comm.len()].copy_from_slice(comm);
        FirstSeen {
            time_ns,
            args: [7; 6],
            slot: 0,
            number,
            process: 42,
            thread: 42,
            abi: Abi::X86_64 as u8,
            phase: Phase::Workload as u8,
            reserved: [0; 6],
            comm: padded,
            exe: [0; EXE_LEN],
        }
    }

    fn call(abi: Abi, phase: Phase, number: i32) -> SeenCall {
        SeenCall { abi, phase, number }
    }

    #[test]
    fn each_abi_names_its_own_numbers() {
        let facts = Facts {
            calls: vec![
                call(Abi::I386, Phase::Workload, 20),
                call(Abi::X86_64, Phase::Workload, 20),
                call(Abi::X86_64, Phase::Workload, -1),
            ],
            ..Facts::default()
        };
        let found = architectures(CLOCK, &facts);
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
    fn a_call_of_two_phases_is_one_call() {
        let facts = Facts {
            calls: vec![
                call(Abi::X86_64, Phase::Exec, 0),
                call(Abi::X86_64, Phase::Runtime, 0),
            ],
            ..Facts::default()
        };
        let found = architectures(CLOCK, &facts);
        let phases = found["SCMP_ARCH_X86_64"]["read"].phases();
        assert_eq!(
            phases.into_iter().collect::<Vec<_>>(),
            [recording::Phase::Runtime, recording::Phase::Exec]
        );
    }

    #[test]
    fn the_earliest_of_two_firsts_counts_and_a_lost_one_loses_no_call() {
        let facts = Facts {
            calls: vec![
                call(Abi::X86_64, Phase::Workload, 0),
                call(Abi::X86_64, Phase::Workload, 1),
            ],
            first_seen: vec![event(0, 9_000_000, b"late"), event(0, 8_000_000, b"early")],
            ..Facts::default()
        };
        let found = architectures(CLOCK, &facts);
        let calls = &found["SCMP_ARCH_X86_64"];
        let caller = &calls["read"].callers[0];
        let read = caller.first.clone().unwrap();
        assert_eq!((read.comm.to_string().as_str(), read.at_ms), ("early", 3));
        assert_eq!(caller.exe, None);
        assert_eq!(calls["write"].callers[0].first, None);
    }
}
