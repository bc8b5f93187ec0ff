//! What holds for every merge.

use std::collections::BTreeSet;

use profiler::generator::{self, Options};
use profiler::recording::{
    Assumption, Caller, Losses, MergeError, Recording, SessionKind, Status, Text, merge,
    merge_session,
};

use super::{ATTACHED, CONTAINER, CONTAINER_AGAIN, I386, noted, recording};

/// Three of one subject, each with something that no other has.
fn three() -> [Recording; 3] {
    let mut third = recording(CONTAINER_AGAIN);
    third.status = Status::Checkpoint;
    third.losses.events = 5;
    for run in &mut third.runs {
        run.from_birth = false;
        run.to_end = false;
        run.started = run.started.replace("01-03", "01-04");
    }
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

/// Phase, session by its command line, executable, runs by their starts.
type Who = (
    String,
    Option<(SessionKind, Vec<Text>)>,
    Option<Text>,
    BTreeSet<String>,
);

/// What a recording says, without the numbers of runs and sessions and without which of two first
/// sightings is the first.
#[derive(Debug, PartialEq)]
struct Content {
    runs: BTreeSet<String>,
    sessions: BTreeSet<(SessionKind, Vec<Text>, BTreeSet<String>)>,
    facts: BTreeSet<(String, BTreeSet<Who>)>,
    rest: String,
}

fn content(recording: &Recording) -> Content {
    let start = |id: &u32| {
        let run = recording.runs.iter().find(|run| run.id == *id);
        run.expect("a run that there is").started.clone()
    };
    let starts = |ids: &[u32]| ids.iter().map(start).collect::<BTreeSet<_>>();
    let who = |caller: &Caller| -> Who {
        let session = caller.session.map(|id| {
            let session = recording.sessions.iter().find(|session| session.id == id);
            let session = session.expect("a session that there is");
            (session.kind, session.argv.clone())
        });
        let phase = format!("{:?} {}", caller.phase, caller.first.is_some());
        (phase, session, caller.exe.clone(), starts(&caller.runs))
    };
    let mut facts = BTreeSet::new();
    for (architecture, calls) in &recording.architectures {
        for (name, call) in calls {
            let callers = call.callers.iter().map(who).collect();
            facts.insert((format!("{architecture} {name} {}", call.number), callers));
            for attempt in &call.tried {
                facts.insert((
                    format!("{name} {:?} {}", attempt.errno, attempt.count),
                    BTreeSet::from([who(&attempt.caller)]),
                ));
            }
        }
    }
    for check in &recording.capabilities.checks {
        let mut bare = check.clone();
        bare.callers.clear();
        facts.insert((format!("{bare:?}"), check.callers.iter().map(who).collect()));
    }
    for low in &recording.capabilities.low_ports {
        let callers = low.callers.iter().map(who).collect();
        facts.insert((format!("port {}", low.port), callers));
    }
    for gain in recording.gains.iter().flatten() {
        facts.insert(("gain".to_owned(), BTreeSet::from([who(&gain.caller)])));
    }
    Content {
        runs: recording
            .runs
            .iter()
            .map(|run| run.started.clone())
            .collect(),
        sessions: recording
            .sessions
            .iter()
            .map(|session| (session.kind, session.argv.clone(), starts(&session.runs)))
            .collect(),
        facts,
        rest: format!(
            "{:?} {:?} {:?} {:?}",
            recording.status,
            recording.losses,
            recording.assumptions,
            recording.capabilities.observed_by
        ),
    }
}

#[test]
fn merging_is_associative_to_the_byte() {
    let [a, b, c] = three();
    let left = merged(&merged(&a, &b), &c);
    let right = merged(&a, &merged(&b, &c));
    assert_eq!(left, right);
    assert_eq!(
        serde_json::to_string(&left).unwrap(),
        serde_json::to_string(&right).unwrap()
    );
}

#[test]
fn merging_is_commutative_but_for_the_numbering() {
    let [a, b, c] = three();
    for (one, other) in [(&a, &b), (&a, &c), (&b, &c)] {
        let (forth, back) = (merged(one, other), merged(other, one));
        assert_eq!(content(&forth), content(&back));
        let names = |recording: &Recording| -> Vec<(String, Vec<String>)> {
            let calls = recording.architectures.iter();
            calls
                .map(|(name, calls)| (name.clone(), calls.keys().cloned().collect()))
                .collect()
        };
        assert_eq!(names(&forth), names(&back), "the order is the same");
    }
}

#[test]
fn merging_keeps_all_that_either_saw() {
    let [a, b, c] = three();
    for (one, other) in [(&a, &b), (&b, &c), (&c, &a)] {
        let both = content(&merged(one, other));
        for part in [content(one), content(other)] {
            assert!(part.runs.is_subset(&both.runs));
            for (kind, argv, runs) in &part.sessions {
                let kept = |(k, a, r): &(SessionKind, Vec<Text>, BTreeSet<String>)| {
                    (k, a) == (kind, argv) && runs.is_subset(r)
                };
                assert!(both.sessions.iter().any(kept), "{argv:?}");
            }
            for (fact, callers) in &part.facts {
                // The count of attempts may have grown.
                let fact = fact
                    .rsplit_once(' ')
                    .map_or(fact.as_str(), |(head, _)| head);
                for (phase, session, exe, runs) in callers {
                    let kept = |(known, known_callers): &(String, BTreeSet<Who>)| {
                        known.starts_with(fact)
                            && known_callers.iter().any(|(p, s, e, r)| {
                                (p, s, e) == (phase, session, exe) && runs.is_subset(r)
                            })
                    };
                    assert!(both.facts.iter().any(kept), "{fact}: {exe:?}");
                }
            }
        }
    }
}

#[test]
fn the_other_s_runs_follow_and_the_earliest_sighting_is_kept() {
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
    // The health check is session 2 of both; the other's session 1 is new.
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
        .map(|attempt| (attempt.caller.session, attempt.count))
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
        generator::capabilities(&[merged(&a, &b)]).unwrap(),
        generator::capabilities(&[a, b]).unwrap()
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

#[test]
fn losses_add_up_but_those_of_one_session_do_not() {
    let lost = |events, processes| {
        let mut recording = recording(CONTAINER);
        recording.losses = Losses {
            events,
            processes,
            ..Losses::default()
        };
        recording
    };
    let mut sessions = lost(1, 4);
    merge(&mut sessions, lost(3, 2)).unwrap();
    assert_eq!((sessions.losses.events, sessions.losses.processes), (4, 6));
    let mut session = lost(1, 4);
    merge_session(&mut session, lost(3, 2)).unwrap();
    assert_eq!((session.losses.events, session.losses.processes), (3, 4));
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
    if let profiler::recording::Subject::Image { argv, .. } = &mut arguments.subject {
        argv.push("-t".into());
    }
    for (other, said) in [
        (recording(I386), "subject"),
        (recording(ATTACHED), "service cache of shop"),
        (arguments, "subject"),
        (machine, "x86_64 and aarch64"),
        (privileged, "privileged is false and true"),
        (filter, "filter is open"),
    ] {
        let mut into = recording(CONTAINER);
        let error = merge(&mut into, other).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(into, recording(CONTAINER), "nothing was touched");
    }
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
