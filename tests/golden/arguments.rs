//! Rules for arguments: what is allowed and what is not.

use std::collections::BTreeSet;

use profiler::generator::{self, ArgumentRules, Options, Warning};
use profiler::output;
use profiler::profile::compile::compile;
use profiler::profile::deviation::deviations;
use profiler::profile::evaluate::Evaluator;
use profiler::profile::{Action, Comparison, Operator, Profile, Runtime};
use profiler::recording::{Arguments, Recording};

use super::{ALL, CONTAINER, MULTIPLEXED, lines, recording};

const LEVELS: [ArgumentRules; 3] = [ArgumentRules::Off, ArgumentRules::Safe, ArgumentRules::All];

fn generate(recording: &Recording, arguments: ArgumentRules) -> (Profile, Vec<Warning>) {
    let options = Options {
        arguments,
        ..Options::default()
    };
    generator::generate(std::slice::from_ref(recording), options).expect("enough was recorded")
}

fn profile(name: &str, arguments: ArgumentRules) -> Profile {
    generate(&recording(name), arguments).0
}

/// `None` where the call stands in no rule, and the default speaks.
fn answer(profile: &Profile, call: &str, arguments: [u64; 6]) -> Option<Action> {
    let holds = |comparison: &Comparison| {
        assert_eq!(comparison.op, Operator::MaskedEqual);
        let argument = arguments[comparison.index as usize];
        argument & comparison.value == comparison.value_two
    };
    let rule = profile
        .syscalls
        .iter()
        .find(|rule| rule.names.iter().any(|name| name == call) && rule.args.iter().all(holds));
    rule.map(|rule| rule.action)
}

fn allows(profile: &Profile, call: &str, arguments: [u64; 6]) -> bool {
    answer(profile, call, arguments) == Some(Action::Allow)
}

fn names(profile: &Profile) -> BTreeSet<(&str, Action)> {
    let rules = profile.syscalls.iter();
    rules
        .flat_map(|rule| {
            let names = rule.names.iter();
            names.map(|name| (name.as_str(), rule.action))
        })
        .collect()
}

#[test]
fn every_level() {
    for (name, level, arguments) in [
        (MULTIPLEXED, "off", ArgumentRules::Off),
        (MULTIPLEXED, "safe", ArgumentRules::Safe),
        (MULTIPLEXED, "all", ArgumentRules::All),
        (CONTAINER, "all", ArgumentRules::All),
    ] {
        let (profile, warnings) = generate(&recording(name), arguments);
        insta::assert_snapshot!(format!("{name}-{level}.oci"), output::oci(&profile));
        insta::assert_snapshot!(format!("{name}-{level}.oci.warnings"), lines(&warnings));
    }
}

/// Sound: whatever libcs leave above the 32 bits that count.
#[test]
fn every_combination_that_was_seen_is_allowed() {
    let mut count = 0;
    for name in ALL {
        let recorded = recording(name);
        let calls = || recorded.architectures.values().flatten();
        for profile in LEVELS.map(|level| generate(&recorded, level).0) {
            for (call, syscall) in calls() {
                let noted = syscall.callers.iter().filter_map(|c| c.arguments.as_ref());
                for arguments in noted.flat_map(combinations) {
                    assert!(
                        allows(&profile, call, arguments),
                        "{name}: {call} {arguments:x?}"
                    );
                    count += 1;
                }
            }
        }
    }
    assert!(count > 200, "{count}");
}

fn combinations(noted: &Arguments) -> impl Iterator<Item = [u64; 6]> {
    noted.combinations.iter().map(|values| {
        let mut registers = [0xdead_beef_0000_0000; 6];
        for (argument, value) in noted.noted.iter().zip(values) {
            registers[usize::from(argument.index)] |= u64::from(*value);
        }
        registers
    })
}

/// Minimal: a rule for arguments only ever takes away.
#[test]
fn the_same_calls_stand_in_the_profile_at_every_level() {
    for name in ALL {
        let [off, safe, all] = LEVELS.map(|level| profile(name, level));
        assert_eq!(names(&off), names(&safe), "{name}");
        assert_eq!(names(&off), names(&all), "{name}");
        assert!(
            off.syscalls.iter().all(|rule| rule.args.is_empty()),
            "{name}"
        );
        for rule in safe.syscalls.iter().filter(|rule| !rule.args.is_empty()) {
            assert!(all.syscalls.contains(rule), "{name}: {rule:?}");
            assert_eq!(rule.action, Action::Allow);
        }
    }
}

/// What attackers do with calls that nearly every program is allowed.
#[test]
fn what_was_not_seen_of_a_call_is_refused() {
    const NEWUSER: u64 = 0x1000_0000;
    const SIGCHLD: u64 = 0x11;
    const TIOCSTI: u64 = 0x5412;
    const AF_PACKET: u64 = 17;
    const WRITE_AND_EXEC: u64 = 7;
    const PR_SET_MM: u64 = 35;
    let safe = profile(CONTAINER, ArgumentRules::Safe);
    let off = profile(CONTAINER, ArgumentRules::Off);
    for (call, arguments) in [
        ("clone", [NEWUSER | SIGCHLD, 0, 0, 0, 0, 0]),
        ("ioctl", [0, TIOCSTI, 0, 0, 0, 0]),
        ("socket", [AF_PACKET, 3, 0, 0, 0, 0]),
        ("socket", [1, 5, 0, 0, 0, 0]),
        ("mmap", [0, 4096, WRITE_AND_EXEC, 0, 0, 0]),
        ("mprotect", [0, 4096, 5, 0, 0, 0]),
        ("prctl", [PR_SET_MM, 0, 0, 0, 0, 0]),
    ] {
        assert!(allows(&off, call, arguments), "{call}");
        assert!(!allows(&safe, call, arguments), "{call}");
    }
    let seen = profile(MULTIPLEXED, ArgumentRules::Safe);
    assert!(
        allows(&seen, "clone", [NEWUSER | SIGCHLD, 0, 0, 0, 0, 0]),
        "it was seen"
    );
    assert!(!allows(&seen, "personality", [8, 0, 0, 0, 0, 0]));
    assert!(!allows(&seen, "userfaultfd", [0, 0, 0, 0, 0, 0]));
    assert!(
        !allows(&seen, "socket", [16, 3, 12, 0, 0, 0]),
        "another protocol"
    );
}

/// What runs on glibc here may run on musl there, and what asks is no danger.
#[test]
fn what_libcs_do_on_their_own_account_is_allowed() {
    let safe = profile(CONTAINER, ArgumentRules::Safe);
    for (call, arguments) in [
        ("ioctl", [1, 0x5413, 0, 0, 0, 0]),
        ("fcntl", [0, 1030, 0, 0, 0, 0]),
        ("clone", [0x7d_0f00, 0, 0, 0, 0, 0]),
        ("prctl", [15, 0, 0, 0, 0, 0]),
    ] {
        assert!(allows(&safe, call, arguments), "{call}");
    }
}

/// A container runtime's locks are not all seen in one start.
#[test]
fn what_is_always_allowed_is_allowed_with_any_arguments() {
    let all = profile(CONTAINER, ArgumentRules::All);
    assert!(allows(&all, "futex", [0, 11, 0, 0, 0, 0]));
    let all = profile(MULTIPLEXED, ArgumentRules::All);
    assert!(!allows(&all, "futex", [0, 12, 0, 0, 0, 0]), "no container");
}

#[test]
fn libseccomp_takes_them_for_what_they_say() {
    for name in ALL {
        for level in LEVELS {
            let profile = profile(name, level);
            let compiled = compile(&profile).unwrap_or_else(|error| panic!("{name}: {error}"));
            let unknown = &compiled.unknown;
            let evaluator = Evaluator::without(unknown, &profile, Runtime::Runc1_1).unwrap();
            let deviations = deviations(&profile, &evaluator, &compiled.program);
            assert_eq!(deviations, Ok(Vec::new()), "{name}");
        }
    }
}
