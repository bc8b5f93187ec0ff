//! What a recording says, in words.

use profiler::capabilities::{self, CapabilityList};
use profiler::explain::explain;
use profiler::recording::Recording;

use super::{ATTACHED, CAPABILITIES, CONTAINER, I386, TROUBLED, UNOBSERVED, noted, recording};

fn told(recording: &Recording, names: &[&str]) -> String {
    told_with(recording, names, None)
}

fn told_with(recording: &Recording, names: &[&str], list: Option<&CapabilityList>) -> String {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    explain(recording, &names, list).expect("the names are known")
}

#[test]
fn all_of_a_recording() {
    for name in [
        CONTAINER,
        ATTACHED,
        TROUBLED,
        I386,
        UNOBSERVED,
        CAPABILITIES,
    ] {
        insta::assert_snapshot!(name, told(&recording(name), &[]));
    }
}

/// What the recording alone does not say: whether it was tried, and what somebody added or left out.
#[test]
fn a_list_that_was_tried() {
    let path = profiler_tests::file("golden/tried.capabilities.json");
    let mut list = capabilities::read(&path).unwrap_or_else(|error| panic!("{error}"));
    let recorded = recording(CAPABILITIES);
    let text = told_with(&recorded, &[], Some(&list));
    let (_, about) = text.split_once("\n\nCapabilities:\n").unwrap();
    insta::assert_snapshot!("tried", about);
    let text = told_with(&recorded, &["cap_mknod"], Some(&list));
    assert!(!text.contains("not seen"), "{text}");

    let hostile = "\u{1b}[2J\nCAP_CHOWN: keep\u{202e}";
    list.notes = vec![hostile.to_owned()];
    list.asked.get_mut("SETUID").unwrap().because = hostile.to_owned();
    let harmful = told_with(&recorded, &[], Some(&list));
    assert!(!harmful.contains(['\u{1b}', '\u{202e}']), "{harmful}");
    assert!(!harmful.contains("\nCAP_CHOWN"), "{harmful}");
}

#[test]
fn arguments_are_told_by_name() {
    let mut recorded = recording(CONTAINER);
    let calls = &mut recorded.architectures["SCMP_ARCH_X86_64"];
    let (value, every) = (u32::MAX, u32::MAX);
    let domains = [[1, 0x80801, 0], [16, 3, 0], [255, value, 0]];
    calls["socket"].callers[0].arguments =
        Some(noted([(0, every), (1, every), (2, every)], &domains));
    calls["clone"].callers[0].arguments = Some(noted([(0, every)], &[[0x0120_0011]]));
    calls["mmap"].callers[0].arguments = Some(noted([(2, 6)], &[[0], [2]]));
    // Of a catalogue that knows more, or another.
    let mut connect = noted([(1, every)], &[[1], [2]]);
    connect.overflowed = true;
    calls["connect"].callers[0].arguments = Some(connect);
    let names = ["socket", "clone", "mmap", "connect"];
    insta::assert_snapshot!("arguments", told(&recorded, &names));

    let mut none = noted([(0, every)], &[]);
    none.overflowed = true;
    recorded.architectures["SCMP_ARCH_X86_64"]["clone"].callers[0].arguments = Some(none);
    let text = told(&recorded, &["clone"]);
    assert!(
        text.contains("\n    with others, more than were kept"),
        "{text}"
    );
}

/// `kill` is a call and a capability.
#[test]
fn what_was_asked_for_only() {
    let names = ["connect", "kill", "cap_chown", "ptrace", "Net_Bind_Service"];
    insta::assert_snapshot!("by-name", told(&recording(CONTAINER), &names));
    let full = told(&recording(CONTAINER), &["CAP_KILL"]);
    assert!(!full.contains("Calls"), "{full}");
}

#[test]
fn what_has_no_name_is_asked_for_by_its_number() {
    let text = told(&recording(TROUBLED), &["-1", "1000", "60"]);
    for line in ["-1: first at", "1000: first at", "60: drop: it has no name"] {
        assert!(text.contains(line), "{text}");
    }
}

/// Not having been seen says little where something was lost.
#[test]
fn what_was_not_seen_is_said_with_what_it_is_worth() {
    let text = told(&recording(TROUBLED), &["ptrace"]);
    let line = "ptrace: not seen in 1 run; but the recording is not complete";
    assert!(text.lines().any(|l| l == line), "{text}");
    let text = told(&recording(UNOBSERVED), &["cap_chown"]);
    assert!(text.ends_with("\nCapabilities: not observed\n"), "{text}");
    assert!(!text.contains("not seen"), "{text}");
}

#[test]
fn a_name_that_nothing_has_is_refused_with_the_nearest() {
    for (typed, said) in [
        ("conect", "; did you mean connect?"),
        ("cap_sysadmin", "; did you mean CAP_SYS_ADMIN?"),
        (
            "\u{1b}[31m",
            "no call and no capability is named \"\\u{1b}[31m\"",
        ),
    ] {
        let error = explain(&recording(CONTAINER), &[typed.to_owned()], None).unwrap_err();
        assert!(error.to_string().ends_with(said), "{error}");
    }
}

#[test]
fn the_order_of_a_recording_is_immaterial() {
    let recorded = recording(ATTACHED);
    let mut turned = recorded.clone();
    turned.capabilities.checks.reverse();
    turned.sessions.reverse();
    for calls in turned.architectures.values_mut() {
        calls.reverse();
        for call in calls.values_mut() {
            call.callers.reverse();
        }
    }
    assert_eq!(told(&turned, &[]), told(&recorded, &[]));
}

/// Whatever is in it, a line stays a line and nothing acts on the terminal.
#[test]
fn hostile_text_is_shown_harmlessly() {
    let hostile = "\u{1b}[2J\nCAP_SYS_ADMIN: granted\u{202e}";
    let mut recorded = recording(CONTAINER);
    recorded.sessions[0].argv = vec![hostile.into()];
    recorded.runs[0].outcome.passed = false;
    recorded.runs[0].outcome.reason = Some(hostile.into());
    recorded.confinement.filter.name = hostile.into();
    for call in recorded.architectures["SCMP_ARCH_X86_64"].values_mut() {
        for caller in &mut call.callers {
            caller.exe = Some(hostile.into());
            caller.first.as_mut().unwrap().comm = hostile.into();
        }
    }
    let text = told(&recorded, &[]);
    let harmless = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
    assert!(text.chars().all(harmless));
    assert_eq!(
        text.lines().count(),
        told(&recording(CONTAINER), &[]).lines().count()
    );
}
