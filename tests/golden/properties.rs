//! What holds for every recording.

use std::collections::{BTreeMap, BTreeSet};

use profiler::capabilities::{Decision, Use, Verdict};
use profiler::generator::{self, Floor, Options, Warning};
use profiler::output;
use profiler::profile::{Action, Profile, Rule};
use profiler::recording::{Assumption, Recording};

use super::{ALL, ATTACHED, CONTAINER, CONTAINER_AGAIN, I386, TROUBLED, recording, recordings};

fn profile(recordings: &[Recording]) -> Profile {
    generator::generate(recordings, Options::default())
        .expect("enough was recorded")
        .0
}

/// All that is written from them.
fn bytes(recordings: &[Recording]) -> [String; 3] {
    let (profile, about_profile) =
        generator::generate(recordings, Options::default()).expect("enough was recorded");
    let (list, about_list) =
        generator::capabilities(recordings, None).expect("enough was recorded");
    [
        output::oci(&profile),
        output::capabilities(&list),
        format!("{about_profile:?} {about_list:?}"),
    ]
}

fn names(profile: &Profile, action: Action) -> BTreeSet<&str> {
    profile
        .syscalls
        .iter()
        .filter(|rule| rule.action == action)
        .flat_map(|rule| rule.names.iter().map(String::as_str))
        .collect()
}

#[test]
fn the_order_of_recordings_is_immaterial() {
    let forth = bytes(&recordings(&[CONTAINER, CONTAINER_AGAIN]));
    let back = bytes(&recordings(&[CONTAINER_AGAIN, CONTAINER]));
    assert_eq!(forth, back);
}

#[test]
fn the_order_within_a_recording_is_immaterial() {
    for name in [CONTAINER, I386, TROUBLED] {
        let recorded = recording(name);
        let mut turned = recorded.clone();
        turned.architectures.reverse();
        for calls in turned.architectures.values_mut() {
            calls.reverse();
            for call in calls.values_mut() {
                call.callers.reverse();
                call.tried.reverse();
            }
        }
        turned.capabilities.checks.reverse();
        turned.sessions.reverse();
        assert_eq!(bytes(&[turned]), bytes(&[recorded]), "{name}");
    }
}

#[test]
fn a_further_recording_never_takes_away() {
    let one = profile(&recordings(&[CONTAINER]));
    let two = profile(&recordings(&[CONTAINER, CONTAINER_AGAIN]));
    let (one, two) = (names(&one, Action::Allow), names(&two, Action::Allow));
    assert!(one.is_subset(&two));
    assert_eq!(two.difference(&one).copied().collect::<Vec<_>>(), ["readv"]);
}

/// Sound: all that was made and has a name is allowed. Minimal: what was only tried is not.
#[test]
fn what_was_seen_is_allowed() {
    for name in ALL {
        let recorded = recording(name);
        let profile = profile(std::slice::from_ref(&recorded));
        let allowed = names(&profile, Action::Allow);
        for (call, syscall) in recorded.architectures.values().flatten() {
            let was_made = !syscall.callers.is_empty();
            let is_named = *call != syscall.number.to_string();
            assert_eq!(
                allowed.contains(call.as_str()),
                was_made && is_named,
                "{name}: {call}"
            );
        }
    }
}

fn with_floor(recordings: &[Recording]) -> (Profile, Vec<Warning>) {
    with_floor_and(recordings, Options::default())
}

fn with_floor_and(recordings: &[Recording], options: Options<'_>) -> (Profile, Vec<Warning>) {
    let floor = Floor::named("runc-1.1.5").expect("it comes with profiler");
    let options = Options {
        floor: Some(&floor),
        ..options
    };
    generator::generate(recordings, options).expect("enough was recorded")
}

fn allowed(profile: &Profile) -> BTreeSet<&str> {
    names(profile, Action::Allow)
}

#[test]
fn a_floor_adds_nothing_where_the_runtime_s_tail_was_seen() {
    for name in ALL.into_iter().filter(|name| *name != ATTACHED) {
        let recorded = [recording(name)];
        let (floored, warnings) = with_floor(&recorded);
        assert_eq!(floored, profile(&recorded), "{name}");
        let said = |warning: &Warning| matches!(warning, Warning::FloorNotNeeded { .. });
        assert!(warnings.iter().any(said), "{name}");
    }
    // One recording from birth closes what the other leaves open.
    let mut late = recording(CONTAINER);
    late.assumptions = recording(ATTACHED).assumptions;
    let both = [recording(CONTAINER_AGAIN), late];
    assert_eq!(with_floor(&both).0, profile(&both));
}

/// The runtime loads the filter later with no-new-privileges: what was seen so says nothing of the
/// start without.
#[test]
fn a_floor_is_of_the_recordings_mode() {
    let mut late = recording(CONTAINER);
    late.assumptions = recording(ATTACHED).assumptions;
    late.architectures["SCMP_ARCH_X86_64"].retain(|name, _| name == "read");
    let mut hardened = late.clone();
    hardened.confinement.no_new_privileges = true;
    let allowed = |recordings: &[Recording], call: &str| {
        let (profile, _) = with_floor(recordings);
        names(&profile, Action::Allow).contains(call)
    };
    assert!(allowed(std::slice::from_ref(&late), "capset"));
    assert!(!allowed(std::slice::from_ref(&hardened), "capset"));
    assert!(allowed(std::slice::from_ref(&hardened), "fstatfs"));
    hardened.assumptions.clear();
    assert!(allowed(&[late, hardened], "capset"));
}

/// With no-new-privileges the runtime loads the filter later.
#[test]
fn the_other_mode_adds_what_it_calls_besides() {
    let mut hardened = recording(CONTAINER);
    hardened.confinement.no_new_privileges = true;
    for name in ["capset", "setgroups"] {
        hardened.architectures["SCMP_ARCH_X86_64"].shift_remove(name);
    }
    let hardened = [hardened];
    let of = |no_new_privileges| {
        let options = Options {
            no_new_privileges,
            ..Options::default()
        };
        with_floor_and(&hardened, options)
    };
    let as_recorded = profile(&hardened);
    let comment = as_recorded.syscalls[0]
        .comment
        .as_deref()
        .unwrap_or_default();
    assert!(
        comment.starts_with("holds with no-new-privileges only"),
        "{comment}"
    );
    assert_eq!(of(None).0, as_recorded);
    assert_eq!(of(Some(true)).0, as_recorded);
    let (other, warnings) = of(Some(false));
    let more: BTreeSet<&str> = allowed(&other)
        .difference(&allowed(&as_recorded))
        .copied()
        .collect();
    assert!(
        more.is_superset(&["capset", "setgroups"].into()),
        "{more:?}"
    );
    assert!(allowed(&other).is_superset(&allowed(&as_recorded)));
    assert!(!warnings.contains(&Warning::NoNewPrivileges));
    assert!(warnings.contains(&Warning::GainsUnseen));
    let comment = other.syscalls[0].comment.as_deref().unwrap_or_default();
    assert!(!comment.contains("no-new-privileges"), "{comment}");

    // What was recorded without covers both.
    let plain = [recording(CONTAINER)];
    let options = Options {
        no_new_privileges: Some(true),
        ..Options::default()
    };
    let (on, _) = generator::generate(&plain, options).expect("enough was recorded");
    assert_eq!(on, profile(&plain));
    let (list, _) = generator::capabilities(&plain, Some(true)).expect("they were observed");
    assert!(list.no_new_privileges);
    let (list, _) = generator::capabilities(&hardened, Some(false)).expect("they were observed");
    assert!(!list.no_new_privileges);
}

#[test]
fn an_init_adds_its_own_calls_only() {
    let plain = [recording(CONTAINER)];
    let init = true;
    let options = Options {
        init,
        ..Options::default()
    };
    let (with, _) = with_floor_and(&plain, options);
    let without = profile(&plain);
    let more: BTreeSet<&str> = allowed(&with)
        .difference(&allowed(&without))
        .copied()
        .collect();
    assert!(more.contains("rt_sigtimedwait"), "{more:?}");
    let of_init = |rule: &Rule| {
        let comment = rule.comment.as_deref().unwrap_or_default();
        comment.contains("--init")
    };
    let rules = with.syscalls.iter().filter(|rule| of_init(rule));
    let named: BTreeSet<&str> = rules
        .flat_map(|rule| &rule.names)
        .map(String::as_str)
        .collect();
    assert_eq!(named, more);
}

/// Nobody has measured the arguments of what a floor stands for.
#[test]
fn what_a_floor_stands_for_is_allowed_with_any_arguments() {
    let plain = [recording(CONTAINER)];
    let has_rule = |profile: &Profile, name: &str| {
        let rules = profile.syscalls.iter();
        let of_it = |rule: &&Rule| rule.names.iter().any(|known| known == name);
        rules.filter(of_it).all(|rule| !rule.args.is_empty())
    };
    assert!(has_rule(&profile(&plain), "prctl"));
    let mut late = plain.clone();
    late[0].assumptions.insert(Assumption::RuntimeTailUnseen);
    assert!(!has_rule(&with_floor(&late).0, "prctl"));
}

/// It ran without a filter, but was watched from its birth.
#[test]
fn a_start_up_that_was_seen_is_not_filled_up() {
    let mut unconfined = recording(CONTAINER);
    unconfined.assumptions.insert(Assumption::RuntimeTailUnseen);
    unconfined.architectures["SCMP_ARCH_X86_64"].retain(|name, _| name == "read");
    let (profile, _) = with_floor(&[unconfined]);
    let allowed = names(&profile, Action::Allow);
    assert!(allowed.contains("capset") && !allowed.contains("arch_prctl"));
}

/// Where another recording, under a laxer filter, shows that it is used.
#[test]
fn a_call_that_was_tried_here_and_made_there_is_allowed() {
    let mut lax = recording(ATTACHED);
    let ptrace = &mut lax.architectures["SCMP_ARCH_X86_64"]["ptrace"];
    ptrace.callers = vec![ptrace.tried[0].caller.clone()];
    let strict = recording(ATTACHED);
    assert!(!names(&profile(std::slice::from_ref(&strict)), Action::Allow).contains("ptrace"));
    let (both, warnings) =
        generator::generate(&[strict, lax], Options::default()).expect("enough was recorded");
    assert!(names(&both, Action::Allow).contains("ptrace"));
    let said = |warning: &Warning| match warning {
        Warning::Tried { names } => names.contains("ptrace"),
        _ => false,
    };
    assert!(!warnings.iter().any(said), "{warnings:?}");
}

/// libseccomp refuses a filter that says two things of one call; of its arguments, rules can be
/// several.
#[test]
fn no_call_stands_in_two_rules() {
    for (name, profile) in ALL
        .into_iter()
        .map(|name| (name, profile(&[recording(name)])))
        .chain([(ATTACHED, with_floor(&[recording(ATTACHED)]).0)])
    {
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        let mut with_arguments = BTreeSet::new();
        for rule in &profile.syscalls {
            for call in &rule.names {
                if rule.args.is_empty() || with_arguments.insert(call) {
                    *count.entry(call).or_default() += 1;
                }
            }
        }
        let twice: Vec<_> = count.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{name}: {twice:?}");
    }
}

/// Minimal: what nobody called is refused, and with EPERM.
#[test]
fn what_was_not_seen_is_refused() {
    for name in ALL {
        let profile = profile(&[recording(name)]);
        assert_eq!(
            (profile.default_action, profile.default_errno_ret),
            (Action::Errno, Some(1))
        );
        for call in [
            "unshare",
            "mount",
            "ptrace",
            "bpf",
            "keyctl",
            "setns",
            "init_module",
        ] {
            assert!(
                !profile
                    .syscalls
                    .iter()
                    .any(|rule| rule.names.iter().any(|name| name == call)),
                "{name}: {call}"
            );
        }
    }
}

#[test]
fn every_rule_says_why() {
    for name in ALL {
        for rule in profile(&[recording(name)]).syscalls {
            assert!(
                rule.comment.is_some_and(|comment| !comment.is_empty()),
                "{:?}",
                rule.names
            );
            assert!(rule.names.is_sorted());
        }
    }
}

#[test]
fn what_is_written_is_a_profile_again() {
    for name in ALL {
        let profile = profile(&[recording(name)]);
        assert_eq!(
            serde_json::from_str::<Profile>(&output::oci(&profile)).unwrap(),
            profile
        );
    }
}

/// A capability that is kept was granted; one that is not stands there with the reason.
#[test]
fn whatever_was_asked_for_is_decided() {
    for name in ALL {
        let recorded = recording(name);
        let Ok((list, _)) = generator::capabilities(std::slice::from_ref(&recorded), None) else {
            assert_eq!(recorded.capabilities.observed_by, None);
            continue;
        };
        let kept = list
            .asked
            .iter()
            .filter(|(_, asked)| asked.decision == Decision::Keep);
        let kept: Vec<&String> = kept.map(|(name, _)| name).collect();
        assert_eq!(kept, list.add.iter().collect::<Vec<_>>(), "{name}");
        for (capability, asked) in &list.asked {
            assert!(
                !asked.because.is_empty() && !asked.uses.is_empty(),
                "{capability}"
            );
            assert!(
                asked.uses.is_sorted_by_key(|one| one.verdict),
                "{capability}"
            );
            let was_granted = asked.uses.iter().any(|one| one.granted);
            assert!(
                was_granted || asked.decision == Decision::Drop,
                "{capability}"
            );
            let one_needs = |one: &Use| one.granted && one.verdict == Verdict::Needed;
            if asked.uses.iter().any(one_needs) {
                assert_eq!(asked.decision, Decision::Keep, "{capability}");
            }
        }
    }
}
