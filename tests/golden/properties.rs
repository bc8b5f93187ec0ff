//! What holds for every recording.

use std::collections::{BTreeMap, BTreeSet};

use profiler::profile::{Action, Profile};
use profiler::recording::Recording;
use profiler::{generator, output};

use super::{ALL, CONTAINER, CONTAINER_AGAIN, I386, TROUBLED, recording, recordings};

fn profile(recordings: &[Recording]) -> Profile {
    generator::generate(recordings)
        .expect("enough was recorded")
        .0
}

/// All that is written from them.
fn bytes(recordings: &[Recording]) -> [String; 3] {
    let (profile, about_profile) = generator::generate(recordings).expect("enough was recorded");
    let (list, about_list) = generator::capabilities(recordings).expect("enough was recorded");
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

/// libseccomp refuses a filter that says two things of one call.
#[test]
fn no_call_stands_in_two_rules() {
    for name in ALL {
        let profile = profile(&[recording(name)]);
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for call in profile.syscalls.iter().flat_map(|rule| &rule.names) {
            *count.entry(call).or_default() += 1;
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
