//! Profiles that hold elsewhere too: what is added, why, and nothing else.

use std::collections::BTreeSet;

use profiler::generator::{self, ArgumentRules, Floor, Kind, Options, Portable, Warning};
use profiler::profile::compile::compile;
use profiler::profile::evaluate::Evaluator;
use profiler::profile::{Action, Profile, Runtime};
use profiler::{names, output};
use profiler_common::Abi;

use super::{ALL, ATTACHED, CONTAINER, I386, MULTIPLEXED, lines, recording};

const KINDS: [Kind; 3] = [Kind::Libc, Kind::Kernel, Kind::Arch];

fn generate(
    name: &str,
    arguments: ArgumentRules,
    kinds: &[Kind],
    architectures: &[&str],
) -> (Profile, Vec<Warning>) {
    let architectures: Vec<String> = architectures.iter().map(ToString::to_string).collect();
    let portable = Portable {
        kinds,
        architectures: &architectures,
    };
    let options = Options {
        arguments,
        portable,
        ..Options::default()
    };
    generator::generate(&[recording(name)], options).expect("enough was recorded")
}

#[test]
fn every_kind() {
    for (name, case, kinds, architectures) in [
        (CONTAINER, "libc", &[Kind::Libc][..], &[][..]),
        (CONTAINER, "kernel", &[Kind::Kernel], &[]),
        (CONTAINER, "arch", &[Kind::Arch], &[]),
        (CONTAINER, "all", &KINDS, &[]),
        (CONTAINER, "aarch64", &[], &["SCMP_ARCH_AARCH64"]),
        (CONTAINER, "arm", &[], &["SCMP_ARCH_ARM"]),
        (I386, "x86_64", &[], &["SCMP_ARCH_X86_64"]),
    ] {
        let (profile, warnings) = generate(name, ArgumentRules::Safe, kinds, architectures);
        let name = format!("{name}-{case}");
        insta::assert_snapshot!(format!("{name}.oci"), output::oci(&profile));
        insta::assert_snapshot!(format!("{name}.oci.warnings"), lines(&warnings));
    }
}

fn allowed(profile: &Profile) -> BTreeSet<String> {
    let rules = profile.syscalls.iter().filter(|rule| rule.lets_through());
    rules.flat_map(|rule| rule.names.iter().cloned()).collect()
}

/// Of each call, with what its rules compare it with, and with something else.
fn permitted(profile: &Profile) -> BTreeSet<(&'static str, &'static str, [u64; 6])> {
    let evaluator = Evaluator::new(profile, Runtime::Runc1_1).expect("no rule contradicts another");
    let mut all = BTreeSet::new();
    for name in names::syscalls() {
        let rules = profile.syscalls.iter();
        let named = rules.filter(|rule| rule.names.iter().any(|own| own == name));
        let mut calls: BTreeSet<[u64; 6]> = BTreeSet::from([[0; 6], [0x1234_5678; 6]]);
        calls.extend(named.map(|rule| {
            let mut arguments = [0; 6];
            for comparison in &rule.args {
                arguments[comparison.index as usize] = comparison.value_two;
            }
            arguments
        }));
        for (abi, arguments) in Abi::ALL
            .into_iter()
            .flat_map(|abi| calls.iter().map(move |c| (abi, *c)))
        {
            let answer = evaluator.answer_to(abi, name, arguments);
            if answer.is_some_and(profiler::profile::Answer::permits) {
                all.insert((names::architecture(abi), name, arguments));
            }
        }
    }
    all
}

#[test]
fn whatever_passes_without_passes_with() {
    for name in ALL {
        for arguments in [ArgumentRules::Off, ArgumentRules::Safe, ArgumentRules::All] {
            let (plain, _) = generate(name, arguments, &[], &[]);
            let before = permitted(&plain);
            for kinds in [&KINDS[..1], &KINDS[1..2], &KINDS[2..], &KINDS] {
                let (portable, _) = generate(name, arguments, kinds, &[]);
                let evaluator =
                    Evaluator::new(&portable, Runtime::Runc1_1).expect("no contradiction");
                for (architecture, call, values) in &before {
                    let abi = Abi::ALL
                        .into_iter()
                        .find(|abi| names::architecture(*abi) == *architecture);
                    let answer = evaluator.answer_to(abi.expect("one of ours"), call, *values);
                    assert!(
                        answer.is_some_and(profiler::profile::Answer::permits),
                        "{name} {kinds:?}: {call} {values:x?}"
                    );
                }
                assert!(compile(&portable).is_ok(), "{name}");
            }
        }
    }
}

/// The table's own words, read again: (seen, added) of each line.
fn table(kinds: &[&str]) -> Vec<(Vec<String>, Vec<String>)> {
    let text = include_str!("../../profiles/equivalents.json");
    let table: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    let words = |value: &serde_json::Value| -> Vec<String> {
        let all = value.as_array().expect("a list").iter();
        all.map(|word| word.as_str().expect("a word").to_owned())
            .collect()
    };
    let mut all = Vec::new();
    for line in table["lines"].as_array().expect("a list") {
        if !words(&line["kinds"])
            .iter()
            .any(|kind| kinds.contains(&kind.as_str()))
        {
            continue;
        }
        if let Some(pairs) = line["pairs"].as_object() {
            all.extend(
                pairs
                    .iter()
                    .map(|(seen, add)| (vec![seen.clone()], words(add))),
            );
        } else {
            let seen = words(&line["seen"]);
            let add = line.get("add").map_or_else(|| seen.clone(), &words);
            all.push((seen, add));
        }
    }
    all
}

/// Everything that the table leads to from what was there.
fn closure(from: &BTreeSet<String>, kinds: &[&str]) -> BTreeSet<String> {
    let mut all = from.clone();
    loop {
        let before = all.len();
        for (seen, add) in table(kinds) {
            if seen.is_empty() || seen.iter().any(|name| all.contains(name)) {
                all.extend(add);
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

#[test]
fn nothing_is_allowed_beyond_the_closure() {
    let words = ["libc", "kernel", "arch"];
    for name in ALL {
        let (plain, _) = generate(name, ArgumentRules::Safe, &[], &[]);
        let seen = allowed(&plain);
        for (kind, word) in KINDS.into_iter().zip(words) {
            let (portable, _) = generate(name, ArgumentRules::Safe, &[kind], &[]);
            let both = allowed(&portable);
            let most = closure(&seen, &[word]);
            assert!(
                both.is_subset(&most),
                "{name} {word}: {:?}",
                both.difference(&most)
            );
            // Minimal: each exists on a machine that the profile is for.
            let machines = ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_RISCV64"];
            let listed = portable.architectures.iter().map(String::as_str);
            let on: Vec<&str> = match kind {
                Kind::Arch => listed.chain(machines).collect(),
                _ => listed.collect(),
            };
            for call in both.difference(&seen) {
                assert!(
                    on.iter().any(|machine| names::exists(machine, call)),
                    "{name} {word}: {call}"
                );
            }
        }
    }
}

/// clone3 and io_uring, whatever is asked for; and what libcs fall back from.
#[test]
fn no_way_round_the_filter_is_opened() {
    let every = [
        "SCMP_ARCH_X86",
        "SCMP_ARCH_X32",
        "SCMP_ARCH_AARCH64",
        "SCMP_ARCH_ARM",
        "SCMP_ARCH_PPC64LE",
    ];
    for name in ALL {
        let (plain, _) = generate(name, ArgumentRules::Safe, &[], &[]);
        let (portable, _) = generate(name, ArgumentRules::Safe, &KINDS, &every);
        let answered = |profile: &Profile| -> BTreeSet<String> {
            let rules = profile
                .syscalls
                .iter()
                .filter(|rule| rule.action == Action::Errno);
            rules.flat_map(|rule| rule.names.iter().cloned()).collect()
        };
        let missing: Vec<_> = answered(&plain)
            .difference(&answered(&portable))
            .cloned()
            .collect();
        assert_eq!(missing, Vec::<String>::new(), "{name}");
    }
}

fn rules_of<'p>(profile: &'p Profile, call: &str) -> Vec<&'p profiler::profile::Rule> {
    let rules = profile.syscalls.iter();
    rules
        .filter(|rule| rule.names.iter().any(|name| name == call))
        .collect()
}

/// fork is clone elsewhere, with the flags of fork and not those of namespaces.
#[test]
fn arguments_come_along() {
    let mut forked = recording(CONTAINER);
    for calls in forked.architectures.values_mut() {
        let mut clone = calls.shift_remove("clone").expect("it was seen");
        for caller in &mut clone.callers {
            caller.arguments = None;
        }
        calls.insert("fork".to_owned(), clone);
    }
    let portable = Portable {
        kinds: &[Kind::Libc],
        architectures: &[],
    };
    let options = Options {
        portable,
        ..Options::default()
    };
    let (profile, _) = generator::generate(&[forked], options).expect("enough was recorded");
    let evaluator = Evaluator::new(&profile, Runtime::Runc1_1).expect("no contradiction");
    let clone = |flags| {
        let answer = evaluator.answer_to(Abi::X86_64, "clone", [flags, 0, 0, 0, 0, 0]);
        answer.expect("there is a clone").permits()
    };
    assert!(clone(0x0120_0011));
    assert!(!clone(0x1000_0011));
    let [rule] = rules_of(&profile, "clone")[..] else {
        panic!("one rule")
    };
    assert_eq!(rule.args.len(), 1);

    // As `open` was called, so may `openat` be.
    let (plain, _) = generate(MULTIPLEXED, ArgumentRules::All, &[], &[]);
    let (portable, _) = generate(MULTIPLEXED, ArgumentRules::All, &[Kind::Libc], &[]);
    let flags = |profile: &Profile, call: &str| -> Vec<u64> {
        let rules = rules_of(profile, call).into_iter();
        rules
            .flat_map(|rule| rule.args.iter().map(|one| one.value))
            .collect()
    };
    assert!(!flags(&plain, "openat").is_empty());
    assert_eq!(flags(&portable, "open"), flags(&portable, "openat"));
}

#[test]
fn a_call_that_means_something_else_there_is_allowed_whole() {
    let there = &["SCMP_ARCH_PPC64LE"][..];
    let (profile, warnings) = generate(CONTAINER, ArgumentRules::Safe, &[], there);
    let [rule] = rules_of(&profile, "ioctl")[..] else {
        panic!("one rule")
    };
    assert_eq!(rule.args, []);
    let carried = |warning: &Warning| matches!(warning, Warning::ArgumentsCarried { names, .. } if names.contains("ioctl"));
    assert!(warnings.iter().any(carried));
}

/// Of a runtime that was measured no arguments are known, so none are asked of what stands for its
/// calls.
#[test]
fn a_floor_brings_any_arguments() {
    let floor = Floor::named("runc-1.1.5").expect("it was measured");
    let options = Options {
        floor: Some(&floor),
        arguments: ArgumentRules::All,
        portable: Portable {
            kinds: &[Kind::Libc],
            architectures: &[],
        },
        ..Options::default()
    };
    let mut late = recording(ATTACHED);
    for calls in late.architectures.values_mut() {
        calls.shift_remove("openat");
    }
    let (profile, warnings) = generator::generate(&[late], options).expect("enough was recorded");
    let [rule] = rules_of(&profile, "open")[..] else {
        panic!("one rule")
    };
    assert_eq!(rule.args, []);
    let of_equivalent = |warning: &Warning| matches!(warning, Warning::ArgumentsOfEquivalent { names } if names.contains("open"));
    assert!(warnings.iter().any(of_equivalent));
}
