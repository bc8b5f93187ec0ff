//! What holds for every merge.

use std::collections::BTreeSet;

use profiler::generator::{self, Options, Warning};
use profiler::recording::{
    Assumption, Attempt, Difference, Filter, Losses, MergeError, Recording, SessionKind, Status,
    Subject, assumptions, merge, merge_all,
};

use super::merge_laws::assert_keeps;
use super::{ATTACHED, CONTAINER, CONTAINER_AGAIN, I386, noted, recording};

/// Three of one subject, each with something that no other has.
pub(crate) fn three() -> [Recording; 3] {
    let mut third = recording(CONTAINER_AGAIN);
    third.status = Status::Checkpoint;
    third.losses.events = 5;
    for run in &mut third.runs {
        run.from_birth = false;
        run.to_end = false;
        run.started = run.started.replace("01-03", "01-04");
    }
    third.assumptions = assumptions(&third.subject, &third.confinement, &third.runs);
    third.sessions.reverse();
    let calls = &mut third.architectures["SCMP_ARCH_X86_64"];
    calls.retain(|_, call| call.number % 3 != 0);
    calls.reverse();
    let mut only_here = calls["write"].clone();
    only_here.number = 35;
    calls.insert("nanosleep".to_owned(), only_here);
    let stray = calls.clone();
    third
        .architectures
        .insert("SCMP_ARCH_X86".to_owned(), stray);
    third.architectures.reverse();
    third.capabilities.checks.pop();
    [recording(CONTAINER), recording(CONTAINER_AGAIN), third]
}

fn merged(into: &Recording, other: &Recording) -> Recording {
    let mut into = into.clone();
    merge(&mut into, other.clone()).expect("they belong together");
    into
}

#[test]
fn merging_keeps_all_that_either_saw() {
    let [a, b, c] = three();
    for (one, other) in [(&a, &b), (&b, &c), (&c, &a)] {
        assert_keeps(&merged(one, other), &[one.clone(), other.clone()]);
    }
}

#[test]
fn runs_are_in_time_and_the_earliest_sighting_is_kept() {
    let both = merged(&recording(CONTAINER), &recording(CONTAINER_AGAIN));
    let ids: Vec<u32> = both.runs.iter().map(|run| run.id).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    let calls = &both.architectures["SCMP_ARCH_X86_64"];
    let nginx = |name: &str| {
        let callers = &calls[name].callers;
        callers
            .iter()
            .find(|caller| caller.exe == Some("/usr/sbin/nginx".into()))
            .unwrap()
    };
    assert_eq!(nginx("write").runs, [1, 2, 3]);
    assert_eq!(nginx("write").first.as_ref().unwrap().run, 1);
    assert_eq!(nginx("readv").runs, [3]);
    assert_eq!(nginx("readv").first.as_ref().unwrap().run, 3);
    // The health check is one session.
    let sessions: Vec<_> = both
        .sessions
        .iter()
        .map(|session| (session.id, session.kind, session.runs.clone()))
        .collect();
    assert_eq!(
        sessions,
        [
            (1, SessionKind::Exec, vec![1]),
            (2, SessionKind::HealthCheck, vec![1, 2, 3]),
            (3, SessionKind::Exec, vec![4]),
        ]
    );
    let attempts: Vec<_> = calls["clone3"]
        .tried
        .iter()
        .map(|attempt| (attempt.caller.session, attempt.count()))
        .collect();
    assert_eq!(attempts, [(None, 2), (Some(2), 5)]);
}

/// The two ways to take recordings together.
#[test]
fn a_merged_recording_generates_what_its_parts_do() {
    let [a, b, _] = three();
    assert_eq!(
        generator::generate(&[merged(&a, &b)], Options::default()).unwrap(),
        generator::generate(&[a.clone(), b.clone()], Options::default()).unwrap()
    );
    assert_eq!(
        generator::capabilities(&[merged(&a, &b)], None).unwrap(),
        generator::capabilities(&[a, b], None).unwrap()
    );
}

#[test]
fn one_run_closes_what_another_left_open() {
    let [whole, _, late] = three();
    let mut attached = late.clone();
    merge(&mut attached, late.clone()).unwrap();
    assert_eq!(
        attached.assumptions,
        BTreeSet::from([
            Assumption::RuntimeTailUnseen,
            Assumption::StartUpUnseen,
            Assumption::ShutdownUnseen
        ])
    );
    assert_eq!(merged(&attached, &whole).assumptions, BTreeSet::new());
}

/// The later of two looks at one session tells all of its losses, and all its recordings tell them.
#[test]
fn of_losses_the_largest_counts_stay() {
    let lost = |events, processes| {
        let mut recording = recording(CONTAINER);
        recording.losses = Losses {
            events,
            processes,
            ..Losses::default()
        };
        recording
    };
    let losses = merged(&lost(1, 4), &lost(3, 2)).losses;
    assert_eq!((losses.events, losses.processes), (3, 4));
}

#[test]
fn of_a_run_that_is_there_twice_the_later_view_counts() {
    let whole = recording(CONTAINER);
    let mut checkpoint = whole.clone();
    checkpoint.runs[1].to_end = false;
    checkpoint.runs[1].duration_ms = 7;
    assert_eq!(merged(&checkpoint, &whole).runs, whole.runs);
    assert_eq!(merged(&whole, &checkpoint).runs, whole.runs);
}

#[test]
fn a_restart_of_a_container_is_another_run() {
    let mut again = recording(CONTAINER);
    again.runs[0].started = "2026-01-02T03:04:05.000000001Z".into();
    assert_eq!(merged(&recording(CONTAINER), &again).runs.len(), 3);
}

#[test]
fn attempts_of_several_runs_add_up_and_those_of_one_do_not() {
    let counts = |recording: &Recording| -> Vec<u64> {
        let tried = &recording.architectures["SCMP_ARCH_X86_64"]["clone3"].tried;
        tried.iter().map(Attempt::count).collect()
    };
    let one = recording(CONTAINER);
    assert_eq!(counts(&merged(&one, &one)), [2, 4]);
    let both = merged(&one, &recording(CONTAINER_AGAIN));
    assert_eq!(counts(&both), [2, 5]);
}

#[test]
fn a_run_whose_capabilities_were_not_observed_makes_the_list_incomplete() {
    let mut blind = recording(CONTAINER_AGAIN);
    blind.capabilities.observed_by = None;
    let both = merged(&recording(CONTAINER), &blind);
    assert_eq!(both.capabilities.observed_by, None);
    assert_eq!(
        merged(&blind, &recording(CONTAINER))
            .capabilities
            .observed_by,
        None
    );
}

#[test]
fn what_does_not_belong_together_stays_apart() {
    let mut machine = recording(CONTAINER);
    machine.host.machine = "aarch64".to_owned();
    let mut privileged = recording(CONTAINER);
    privileged.confinement.privileged = true;
    let mut filter = recording(CONTAINER);
    filter.confinement.filter.name = "engine-default".into();
    let mut arguments = recording(CONTAINER);
    if let Subject::Image { argv, .. } = &mut arguments.subject {
        argv.push("-t".into());
    }
    let mut several = machine.clone();
    several.host.kernel = "5.10.0".into();
    for (other, said) in [
        (recording(I386), "of one subject"),
        (recording(ATTACHED), "service cache of shop"),
        (arguments, "of one subject"),
        (machine, "architecture (aarch64 and x86_64)"),
        (several, "--allow architecture,kernel"),
        (privileged, "privileged is false and true"),
        (filter, "in filter (engine-default"),
    ] {
        let mut into = recording(CONTAINER);
        let error = merge(&mut into, other.clone()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(into, recording(CONTAINER), "nothing was touched");
        let back = merge_all(vec![other, into], &[]).unwrap_err();
        assert_eq!(back, error);
    }
}

/// Each of them stands in the whole, so that nobody takes it for one.
#[test]
fn differences_that_are_meant_are_told() {
    let mut other = recording(CONTAINER_AGAIN);
    other.host.machine = "aarch64".to_owned();
    other.host.kernel = "5.10.0".into();
    other.confinement.filter = Filter {
        name: Filter::ENGINE_DEFAULT.into(),
        sha256: None,
    };
    let Subject::Image { id, .. } = &mut other.subject else {
        panic!("{CONTAINER_AGAIN} records an image");
    };
    *id = "sha256:0".to_owned();
    let parts = [recording(CONTAINER), other];
    for difference in Difference::ALL {
        let all_but_it: Vec<_> = Difference::ALL
            .into_iter()
            .filter(|d| *d != difference)
            .collect();
        let error = merge_all(parts.to_vec(), &all_but_it).unwrap_err();
        let MergeError::Differ(named) = error else {
            panic!("{error}");
        };
        assert_eq!(
            named.iter().map(|(d, _)| *d).collect::<Vec<_>>(),
            [difference]
        );
    }
    let whole = merge_all(parts.to_vec(), &Difference::ALL)
        .unwrap()
        .unwrap();
    assert_eq!(whole.host.machine, "aarch64, x86_64");
    assert_eq!(whole.host.kernel, "5.10.0, 6.18.44");
    assert_eq!(whole.confinement.filter.name, "engine-default, open".into());
    let Subject::Image { id, .. } = &whole.subject else {
        panic!("it is an image");
    };
    assert!(id.starts_with("sha256:0, sha256:abab"), "{id}");
    // What was tried may have been needed, since not all were recorded under the open filter.
    let (_, warnings) = generator::generate(&[whole], Options::default()).unwrap();
    let said = |warning: &Warning| matches!(warning, Warning::Filter { name } if name == "engine-default, open");
    assert!(warnings.iter().any(said), "{warnings:?}");
}

#[test]
fn a_bounding_set_that_is_not_known_fits_any() {
    let with = |names: &[&str]| {
        let mut recording = recording(CONTAINER);
        let names = names.iter().map(|&name| name.to_owned()).collect();
        recording.confinement.capabilities = Some(names);
        recording
    };
    let known = merged(&recording(CONTAINER), &with(&["CAP_CHOWN"]));
    assert_eq!(
        known.confinement.capabilities,
        Some(vec!["CAP_CHOWN".to_owned()])
    );
    let error = merge(&mut known.clone(), with(&["CAP_KILL"])).unwrap_err();
    assert!(matches!(
        error,
        MergeError::Confinement {
            what: "capabilities",
            ..
        }
    ));
}

#[test]
fn where_one_did_not_look_for_gains_nobody_knows() {
    let seen = recording(CONTAINER_AGAIN);
    let mut blind = recording(CONTAINER);
    assert!(merged(&blind, &seen).gains.is_some());
    blind.gains = None;
    assert_eq!(merged(&blind, &seen).gains, None);
    assert_eq!(merged(&seen, &blind).gains, None);
}

#[test]
fn arguments_of_one_caller_are_united() {
    let with = |name, arguments| {
        let mut recording = recording(name);
        let clone = &mut recording.architectures["SCMP_ARCH_X86_64"]["clone"];
        let mut callers = clone.callers.iter_mut();
        let nginx = callers.find(|caller| caller.exe == Some("/usr/sbin/nginx".into()));
        nginx.unwrap().arguments = arguments;
        recording
    };
    let of = |recording: &Recording| {
        let clone = &recording.architectures["SCMP_ARCH_X86_64"]["clone"];
        let mut callers = clone.callers.iter();
        let nginx = callers.find(|caller| caller.exe == Some("/usr/sbin/nginx".into()));
        nginx.unwrap().arguments.clone()
    };
    let flags = |combinations: &[[u32; 1]]| Some(noted([(0, u32::MAX)], combinations));
    let one = with(CONTAINER, flags(&[[17]]));
    let other = with(CONTAINER_AGAIN, flags(&[[17], [0x0120_0011]]));
    assert_eq!(of(&merged(&one, &other)), flags(&[[17], [0x0120_0011]]));
    // Of a run that noted none, nothing is known.
    let blind = with(CONTAINER_AGAIN, None);
    assert_eq!(of(&merged(&one, &blind)), None);
    assert_eq!(of(&merged(&blind, &one)), None);
}
