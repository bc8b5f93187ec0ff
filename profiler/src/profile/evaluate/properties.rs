//! The evaluator against libseccomp: thousands of profiles, each compiled by the library that the
//! machine has and run by the interpreter. The seed is fixed, so that each run is the same.

use std::cell::Cell;

use profiler_common::{Abi, X32_BIT};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::Evaluator;
use crate::names;
use crate::profile::compile::compile_for;
use crate::profile::interpret::{AUDIT_ARCH_X86_64, SeccompData, interpret};
use crate::profile::{Action, Comparison, Operator, Profile, Rule, Runtime};

/// Few, so that rules meet; of each kind that libseccomp treats in a way of its own.
pub(crate) const NAMES: [&str; 16] = [
    "getpid",
    "openat",
    "clone3",
    "faccessat2",
    // Another number on x32, and none.
    "ioctl",
    "uselib",
    // Of i386 alone.
    "waitpid",
    "clock_gettime64",
    // i386 has them twice, or only through a multiplexer.
    "socket",
    "accept4",
    "send",
    "shmget",
    "semop",
    "socketcall",
    "ipc",
    "no_such_call",
];

const ARCHITECTURES: [&str; 4] = [
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X32",
    "SCMP_ARCH_AARCH64",
];

const EQUALITY: [Operator; 2] = [Operator::Equal, Operator::MaskedEqual];

pub(crate) const OPERATORS: [Operator; 7] = [
    Operator::NotEqual,
    Operator::Less,
    Operator::LessOrEqual,
    Operator::Equal,
    Operator::GreaterOrEqual,
    Operator::Greater,
    Operator::MaskedEqual,
];

/// Near the ends of both halves.
pub(crate) fn large() -> BoxedStrategy<u64> {
    const EDGES: [u64; 8] = [
        0,
        1,
        5,
        0x7fff_ffff,
        0xffff_ffff,
        0x1_0000_0000,
        0x5_0000_0005,
        u64::MAX,
    ];
    let near = (select(&EDGES[..]), 0..3_u64);
    let near = near.prop_map(|(edge, by)| edge.wrapping_add(by).wrapping_sub(1));
    prop_oneof![4 => near, 1 => any::<u64>()].boxed()
}

/// So few that rules meet in all ways.
pub(crate) fn small() -> BoxedStrategy<u64> {
    (0..4_u64).boxed()
}

pub(crate) fn comparison(
    operators: &'static [Operator],
    value: &BoxedStrategy<u64>,
) -> impl Strategy<Value = Comparison> + use<> {
    let parts = (0..3_u32, select(operators), value.clone(), value.clone());
    parts.prop_map(|(index, op, value, second)| Comparison {
        index,
        value,
        value_two: if op == Operator::MaskedEqual {
            second
        } else {
            0
        },
        op,
    })
}

fn action() -> impl Strategy<Value = (Action, Option<u32>)> {
    select(
        &[
            (Action::Allow, None),
            (Action::Errno, None),
            (Action::Errno, Some(38)),
            (Action::Errno, Some(0x1_0016)),
            (Action::Trace, Some(7)),
            (Action::Log, None),
            (Action::Notify, None),
            (Action::Trap, None),
            (Action::KillThread, None),
            (Action::KillProcess, None),
        ][..],
    )
}

pub(crate) fn rule(
    names: &'static [&'static str],
    args: impl Strategy<Value = Vec<Comparison>>,
) -> impl Strategy<Value = Rule> {
    let names = prop::collection::vec(select(names), 1..4);
    (names, action(), args).prop_map(|(names, (action, errno_ret), args)| Rule {
        names: names.into_iter().map(str::to_owned).collect(),
        action,
        errno_ret,
        args,
        comment: None,
    })
}

/// With one plain rule: without any, libseccomp may forget to look at the call.
pub(crate) fn profile(rules: impl Strategy<Value = Vec<Rule>>) -> impl Strategy<Value = Profile> {
    let architectures = subsequence(&ARCHITECTURES[..], 0..=ARCHITECTURES.len());
    let parts = (action(), architectures, rules);
    parts.prop_map(|((default_action, errno), architectures, rules)| {
        let plain = Rule {
            names: vec!["exit_group".to_owned()],
            action: if default_action == Action::Allow {
                Action::KillProcess
            } else {
                Action::Allow
            },
            errno_ret: None,
            args: Vec::new(),
            comment: None,
        };
        Profile {
            default_action,
            default_errno_ret: errno,
            architectures: architectures.into_iter().map(str::to_owned).collect(),
            syscalls: [plain].into_iter().chain(rules).collect(),
        }
    })
}

pub(crate) fn runtime() -> impl Strategy<Value = Runtime> {
    select(&[Runtime::Runc1_1, Runtime::Runc1_2, Runtime::Crun][..])
}

/// Numbers that are named, that are not, and those at the edges, on x86 and elsewhere.
fn numbers() -> Vec<(u32, u32)> {
    const S390X: u32 = 0x8000_0016;
    let mut all = Vec::new();
    for abi in Abi::ALL {
        let named = NAMES.iter().filter_map(|name| names::number(abi, name));
        for number in named.chain([0, 1, 436, 440, 600]) {
            let data = SeccompData::new(abi, number, [0; 6]);
            all.push((data.architecture, data.number));
        }
    }
    let edges = [X32_BIT - 1, X32_BIT, 0x8000_0000, u32::MAX];
    all.extend(edges.map(|number| (AUDIT_ARCH_X86_64, number)));
    all.push((S390X, 39));
    all
}

/// Profiles and calls that were compared.
#[derive(Default)]
struct Tally {
    profiles: Cell<usize>,
    calls: Cell<usize>,
}

impl Tally {
    fn compare(
        &self,
        profile: &Profile,
        runtime: Runtime,
        calls: impl IntoIterator<Item = SeccompData>,
    ) -> Result<(), TestCaseError> {
        // Contradictions are another property's; with a doubt libseccomp may not come to an end.
        let evaluator = match Evaluator::new(profile, runtime) {
            Ok(evaluator) if evaluator.doubts().is_empty() => evaluator,
            _ => return Ok(()),
        };
        let compiled = compile_for(runtime, profile).map_err(|error| {
            TestCaseError::fail(format!("libseccomp is needed and shall take it: {error}"))
        })?;
        for call in calls {
            let theirs = interpret(&compiled.program, &call)
                .map_err(|fault| TestCaseError::fail(fault.to_string()))?;
            let ours = evaluator.answer(&call);
            prop_assert_eq!(ours.value(), theirs, "{:?} to {:x?}", ours, call);
            self.calls.set(self.calls.get() + 1);
        }
        self.profiles.set(self.profiles.get() + 1);
        Ok(())
    }

    fn is_at_least(&self, profiles: usize, calls: usize) {
        let (compared, asked) = (self.profiles.get(), self.calls.get());
        println!("{compared} profiles and {asked} calls were compared");
        assert!(
            compared >= profiles && asked >= calls,
            "only {compared} profiles and {asked} calls were compared"
        );
    }
}

pub(crate) fn check<S: Strategy>(
    cases: u32,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    };
    if let Err(error) = TestRunner::new(config).run(&strategy, test) {
        panic!("{error}");
    }
}

fn with(first: [u64; 3], number: (u32, u32)) -> SeccompData {
    let [a, b, c] = first;
    SeccompData {
        architecture: number.0,
        number: number.1,
        arguments: [a, b, c, 0, 0, 0],
    }
}

#[test]
fn every_call_is_answered_as_by_the_compiled_filter() {
    let args = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(comparison(&OPERATORS, &large()), 1..4)
    ];
    let profiles = profile(prop::collection::vec(rule(&NAMES, args), 0..6));
    let arguments = prop::collection::vec([large(), large(), large()], 3);
    let tally = Tally::default();
    check(
        2500,
        (profiles, runtime(), arguments),
        |(profile, runtime, arguments)| {
            let calls = numbers().into_iter();
            let calls =
                calls.flat_map(|number| arguments.iter().map(move |first| with(*first, number)));
            tally.compare(&profile, runtime, calls)
        },
    );
    tally.is_at_least(1500, 250_000);
}

/// Rules of one call meet: which of them answers, and which of them libseccomp drops.
fn rules_of_one_call(
    value: &BoxedStrategy<u64>,
    cases: u32,
    arguments: impl Strategy<Value = Vec<[u64; 3]>>,
) -> Tally {
    const ONE: [&str; 1] = ["socket"];
    let args = prop_oneof![
        4 => prop::collection::vec(comparison(&OPERATORS, value), 1..3),
        1 => prop::collection::vec(comparison(&EQUALITY, value), 1..3),
    ];
    let profiles = profile(prop::collection::vec(rule(&ONE, args), 1..4));
    let tally = Tally::default();
    check(cases, (profiles, arguments), |(profile, arguments)| {
        let places = [
            (Abi::X86_64, "socket"),
            (Abi::X32, "socket"),
            (Abi::I386, "socket"),
            (Abi::I386, "socketcall"),
        ];
        let calls = places.into_iter().flat_map(|(abi, name)| {
            let number = names::number(abi, name).expect("the ABI has it");
            let data = SeccompData::new(abi, number, [0; 6]);
            let number = (data.architecture, data.number);
            arguments.iter().map(move |first| with(*first, number))
        });
        tally.compare(&profile, Runtime::Crun, calls)
    });
    tally
}

#[test]
fn rules_meet_at_the_ends_of_words() {
    let arguments = prop::collection::vec([large(), large(), large()], 40);
    rules_of_one_call(&large(), 3000, arguments).is_at_least(1000, 150_000);
}

#[test]
fn rules_meet_in_all_ways() {
    let mut all = Vec::new();
    let values = [0, 1, 2, 3, 4, 0x1_0000_0001];
    for a in values {
        for b in values {
            all.extend(values.map(|c| [a, b, c]));
        }
    }
    rules_of_one_call(&small(), 800, Just(all)).is_at_least(300, 250_000);
}

#[test]
fn what_libseccomp_refuses_is_refused() {
    let args = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(comparison(&EQUALITY, &small()), 1..3)
    ];
    let rules = prop::collection::vec(rule(&NAMES[..4], args), 0..6);
    let broken = prop_oneof![
        20 => Just(None),
        1 => Just(Some("SCMP_ARCH_S390X")),
        1 => Just(Some("SCMP_ARCH_VAX")),
        1 => Just(Some("")),
        1 => Just(Some("argument")),
    ];
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    check(3000, (profile(rules), broken), |(mut profile, broken)| {
        match broken {
            None => {}
            Some("") => profile.syscalls[0].names.push(String::new()),
            Some("argument") => profile.syscalls[0].args.push(Comparison {
                index: 6,
                value: 0,
                value_two: 0,
                op: Operator::Equal,
            }),
            Some(architecture) => profile.architectures.push(architecture.to_owned()),
        }
        let theirs = compile_for(Runtime::Runc1_2, &profile).map(|_| ());
        let ours = Evaluator::new(&profile, Runtime::Runc1_2).map(|_| ());
        let count = if ours.is_ok() { &taken } else { &refused };
        count.set(count.get() + 1);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}, {:?}", ours, theirs);
        Ok(())
    });
    assert!(
        taken.get() > 1000 && refused.get() > 400,
        "{taken:?} {refused:?}"
    );
}
