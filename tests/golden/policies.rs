//! What becomes of what is not allowed, and profiles that begin from another.

use std::collections::{BTreeMap, BTreeSet};

use profiler::generator::{self, Base, GenerateError, Options, Refusal, Warning};
use profiler::profile::compile::compile;
use profiler::profile::{self, Action, Container, Profile};
use profiler::{names, output};
use profiler_common::Abi;

use super::{ALL, CONTAINER, I386, UNOBSERVED, lines, recording, recordings};

fn generate(name: &str, options: Options<'_>) -> (Profile, Vec<Warning>) {
    generator::generate(&[recording(name)], options).expect("enough was recorded")
}

fn refusing(name: &str, refusal: Refusal) -> Profile {
    let refusal = Some(refusal);
    let options = Options {
        refusal,
        ..Options::default()
    };
    generate(name, options).0
}

fn base() -> Base {
    let path = profiler_tests::file("golden/base.profile.json");
    let file =
        profile::read_whole(&path, &Container::default()).unwrap_or_else(|error| panic!("{error}"));
    Base::new("base.profile.json".to_owned(), file.profile).expect("it refuses by default")
}

fn from_base(name: &str) -> (Profile, Vec<Warning>) {
    let base = base();
    let options = Options {
        base: Some(&base),
        ..Options::default()
    };
    generate(name, options)
}

fn assert_profile(name: &str, (profile, warnings): &(Profile, Vec<Warning>)) {
    insta::assert_snapshot!(format!("{name}.oci"), output::oci(profile));
    insta::assert_snapshot!(format!("{name}.oci.warnings"), lines(warnings));
}

#[test]
fn whatever_is_refused_is_refused_as_was_asked() {
    for name in ALL {
        let usual = generate(name, Options::default()).0;
        for (refusal, action, errno) in [
            (Refusal::Errno, Action::Errno, Some(1)),
            (Refusal::Kill, Action::KillProcess, None),
            (Refusal::Trap, Action::Trap, None),
            (Refusal::Log, Action::Log, None),
        ] {
            let profile = refusing(name, refusal);
            let default = (profile.default_action, profile.default_errno_ret);
            assert_eq!(default, (action, errno), "{name}");
            // What libcs probe for is no reason to kill.
            assert_eq!(profile.syscalls, usual.syscalls, "{name}");
            assert!(compile(&profile).is_ok(), "{name}");
        }
    }
}

#[test]
fn a_profile_that_logs_refuses_nothing() {
    for name in ALL {
        let usual = generate(name, Options::default()).0;
        let profile = refusing(name, Refusal::LogAll);
        assert_eq!(profile.default_action, Action::Log);
        let allowing = usual
            .syscalls
            .into_iter()
            .filter(|r| r.action.lets_through());
        assert_eq!(profile.syscalls, allowing.collect::<Vec<_>>(), "{name}");
        // A filter kills what calls by an architecture that it does not list.
        for architecture in ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"] {
            assert!(
                profile
                    .architectures
                    .iter()
                    .any(|listed| listed == architecture)
            );
        }
    }
    let refusal = Some(Refusal::LogAll);
    let options = Options {
        refusal,
        ..Options::default()
    };
    assert_profile("unobserved-log", &generate(UNOBSERVED, options));
}

#[test]
fn a_profile_that_begins_from_another() {
    assert_profile("container-base", &from_base(CONTAINER));
    assert_profile("i386-base", &from_base(I386));
}

/// By call and action, of rules with no comparisons and of all.
fn names_of(profile: &Profile, of: fn(Action) -> bool) -> BTreeSet<String> {
    let rules = profile.syscalls.iter().filter(|rule| of(rule.action));
    rules.flat_map(|rule| rule.names.iter().cloned()).collect()
}

#[test]
fn neither_the_base_nor_what_was_seen_is_taken_away() {
    let file = profile::read(
        &profiler_tests::file("golden/base.profile.json"),
        &Container::default(),
    )
    .unwrap();
    for name in ALL {
        let both = from_base(name).0;
        let seen = generate(name, Options::default()).0;
        let allowed = names_of(&both, Action::lets_through);
        for one in [&file.profile, &seen] {
            let missing: Vec<_> = names_of(one, Action::lets_through)
                .difference(&allowed)
                .cloned()
                .collect();
            assert_eq!(missing, Vec::<String>::new(), "{name}");
        }
        // The base lists i386, whose signal handlers return by a call of their own.
        let either = |name: &String| {
            name == "sigreturn"
                || [&file.profile, &seen]
                    .into_iter()
                    .any(|one| names_of(one, Action::lets_through).contains(name))
        };
        assert!(allowed.iter().all(either), "{name}");
        assert_eq!(both.default_action, Action::KillProcess);
        let compiled = compile(&both);
        assert!(compiled.is_ok(), "{name}: {:?}", compiled.err());
        says_one_thing(&both);
    }
}

/// libseccomp refuses, or forgets, what contradicts an earlier rule.
fn says_one_thing(profile: &Profile) {
    let mut whole: BTreeMap<&str, Action> = BTreeMap::new();
    for rule in profile.syscalls.iter().filter(|rule| rule.args.is_empty()) {
        for name in &rule.names {
            assert_eq!(whole.insert(name, rule.action), None, "{name}");
        }
    }
    for rule in profile.syscalls.iter().filter(|rule| !rule.args.is_empty()) {
        for name in &rule.names {
            assert!(!whole.contains_key(name.as_str()), "{name}");
        }
    }
}

/// The default is the base's, but what was typed goes before.
#[test]
fn a_default_that_was_asked_for_is_not_the_base_s() {
    let base = base();
    let options = Options {
        base: Some(&base),
        refusal: Some(Refusal::Errno),
        ..Options::default()
    };
    let (profile, _) = generate(CONTAINER, options);
    assert_eq!(profile.default_action, Action::Errno);
}

#[test]
fn a_base_that_allows_by_default_is_refused_by_its_name() {
    for action in [Action::Allow, Action::Log, Action::Trace] {
        let profile = Profile {
            default_action: action,
            ..Profile::open()
        };
        let error = Base::new("open.json".to_owned(), profile).unwrap_err();
        assert!(matches!(error, GenerateError::BaseAllows { .. }));
        assert!(error.to_string().starts_with("open.json allows by default"));
    }
}

/// runc answers ENOSYS above the highest number that is named, and the default below it. So that
/// what a newer libc probes for does not depend on what was seen, each newer call is named.
#[test]
fn newer_calls_are_answered_the_same_whatever_was_seen() {
    let newer = [(Abi::X86_64, 424), (Abi::I386, 403)];
    for name in ALL {
        let base = base();
        let options = Options {
            base: Some(&base),
            ..Options::default()
        };
        for profile in [Options::default(), options].map(|o| generate(name, o).0) {
            let named = names_of(&profile, |_| true);
            let listed = |abi: &Abi| {
                let architecture = names::architecture(*abi);
                profile
                    .architectures
                    .iter()
                    .any(|name| name == architecture)
            };
            for (abi, from) in newer.into_iter().filter(|(abi, _)| listed(abi)) {
                let missing: Vec<String> = (from..1024)
                    .map(|number| (number, names::syscall(abi, number)))
                    .filter(|(number, call)| *call != number.to_string())
                    .map(|(_, call)| call)
                    .filter(|call| !named.contains(call))
                    .collect();
                assert_eq!(missing, Vec::<String>::new(), "{name}");
            }
        }
    }
}

#[test]
fn a_recording_in_which_something_is_missing_is_not_strict() {
    let mut recorded = recordings(&[CONTAINER]).remove(0);
    assert_eq!(generator::check_complete(&recorded), Ok(()));
    recorded.losses.events = 3;
    let error = generator::check_complete(&recorded).unwrap_err();
    assert!(error.to_string().contains(": 3"), "{error}");
    recorded.losses.events = 0;
    recorded.status = profiler::recording::Status::Checkpoint;
    assert_eq!(
        generator::check_complete(&recorded),
        Err(GenerateError::Checkpoint)
    );
}
