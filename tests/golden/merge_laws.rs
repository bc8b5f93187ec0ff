//! Merging is a union: associative, commutative, idempotent, to the byte.

use std::collections::{BTreeMap, BTreeSet};

use profiler::recording::{
    Caller, Difference, Phase, Recording, SessionKind, Status, Text, assumptions, merge, merge_all,
    to_json,
};
use proptest::prelude::*;

use super::merging::three;

/// A recording of the same subject that saw some of the runs, and of each something: decided by the
/// bytes, one a decision, and none after the last.
fn view(of: &Recording, decisions: &[u8]) -> Recording {
    let mut decisions = decisions.iter().copied().cycle();
    let mut next = move || decisions.next().expect("there is one");
    let mut view = of.clone();

    // Numbers of its own.
    let (first_run, first_session) = (u32::from(next()), u32::from(next()));
    number_from(&mut view, first_run, first_session);
    if next().is_multiple_of(2) {
        view.runs.reverse();
        view.sessions.reverse();
    }

    for run in &mut view.runs {
        if next().is_multiple_of(3) {
            run.duration_ms = run.duration_ms.saturating_sub(1000);
            run.to_end = false;
        }
    }
    view.each_caller(|caller| {
        caller.runs.retain(|_| !next().is_multiple_of(4));
        if let Some(first) = &mut caller.first {
            first.at_ms += u64::from(next());
        }
        if next().is_multiple_of(5) {
            caller.first = None;
        }
    });
    let calls = view.architectures.values_mut();
    for calls in calls {
        calls.retain(|_, _| !next().is_multiple_of(4));
        if next().is_multiple_of(2) {
            calls.reverse();
        }
    }
    view.capabilities
        .checks
        .retain(|_| next().is_multiple_of(2));
    view.losses.events = u64::from(next() % 3);
    view.losses.processes = u64::from(next() % 3);
    if next().is_multiple_of(8) {
        view.status = Status::Checkpoint;
        view.gains = None;
        view.capabilities.observed_by = None;
    }
    if next().is_multiple_of(8) {
        view.capabilities.low_ports = None;
        view.capabilities.unshown_counted = false;
    }
    view.host.kernel = format!("6.{}", next() % 3);
    view.confinement.filter.name = ["open", "engine-default"][usize::from(next() % 2)].into();
    view.assumptions = assumptions(&view.subject, &view.confinement, &view.runs);
    view
}

fn number_from(view: &mut Recording, first_run: u32, first_session: u32) {
    for run in &mut view.runs {
        run.id += first_run;
    }
    for session in &mut view.sessions {
        session.id += first_session;
        session.runs.iter_mut().for_each(|run| *run += first_run);
    }
    for attempt in view.attempts_mut() {
        let counts = std::mem::take(&mut attempt.counts).into_iter();
        attempt.counts = counts
            .map(|(run, count)| (run + first_run, count))
            .collect();
    }
    view.each_caller(|caller: &mut Caller| {
        caller.runs.iter_mut().for_each(|run| *run += first_run);
        caller.session = caller.session.map(|id| id + first_session);
        if let Some(first) = &mut caller.first {
            first.run += first_run;
        }
    });
}

fn views() -> impl Strategy<Value = [Recording; 3]> {
    let whole = whole(&three());
    proptest::array::uniform3(proptest::collection::vec(any::<u8>(), 1..400))
        .prop_map(move |decisions| decisions.map(|decisions| view(&whole, &decisions)))
}

fn whole(parts: &[Recording]) -> Recording {
    merge_all(parts.to_vec(), &Difference::ALL)
        .expect("every difference is meant")
        .expect("there are some")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_and_grouping_of_parts_are_immaterial_to_the_byte([a, b, c] in views()) {
        let at_once = to_json(&whole(&[a.clone(), b.clone(), c.clone()]));
        for parts in [
            [c.clone(), a.clone(), b.clone()],
            [whole(&[a.clone(), b.clone()]), c.clone(), c.clone()],
            [a.clone(), whole(&[c.clone(), b.clone()]), a.clone()],
        ] {
            prop_assert_eq!(&to_json(&whole(&parts)), &at_once);
        }
    }

    #[test]
    fn what_is_there_already_changes_nothing([a, b, c] in views()) {
        let all = whole(&[a.clone(), b.clone(), c]);
        for part in [a.clone(), whole(&[a, b]), all.clone()] {
            // It was said to be meant when they were merged.
            prop_assert_eq!(&merge_all(vec![part.clone(), all.clone()], &[]).unwrap().unwrap(), &all);
            let mut into = all.clone();
            merge(&mut into, part).unwrap();
            prop_assert_eq!(&into, &all);
        }
    }

    #[test]
    fn nothing_is_lost([a, b, c] in views()) {
        assert_keeps(&whole(&[a.clone(), b.clone(), c.clone()]), &[a, b, c]);
    }
}

/// Phase, session by its command line, executable.
type Who = (Phase, Option<(SessionKind, Vec<Text>)>, Option<Text>);

/// What a recording says of which runs, by their starts.
struct Content {
    runs: BTreeSet<String>,
    sessions: BTreeSet<(SessionKind, Vec<Text>, BTreeSet<String>)>,
    facts: BTreeMap<String, BTreeMap<Who, BTreeSet<String>>>,
}

fn content(recording: &Recording) -> Content {
    let start = |id: &u32| {
        let run = recording.runs.iter().find(|run| run.id == *id);
        run.expect("a run that there is").started.clone()
    };
    let starts = |ids: &[u32]| ids.iter().map(start).collect::<BTreeSet<_>>();
    let mut facts: BTreeMap<String, BTreeMap<Who, BTreeSet<String>>> = BTreeMap::new();
    let mut note = |fact: String, caller: &Caller| {
        let session = caller.session.map(|id| {
            let session = recording.sessions.iter().find(|session| session.id == id);
            let session = session.expect("a session that there is");
            (session.kind, session.argv.clone())
        });
        let who = (caller.phase, session, caller.exe.clone());
        let runs = facts.entry(fact).or_default().entry(who).or_default();
        runs.extend(starts(&caller.runs));
    };
    for (architecture, calls) in &recording.architectures {
        for (name, call) in calls {
            for caller in &call.callers {
                note(format!("{architecture} {name} {}", call.number), caller);
            }
            for attempt in &call.tried {
                note(format!("{name} {:?}", attempt.errno), &attempt.caller);
                for (run, count) in &attempt.counts {
                    note(
                        format!("{name} {count} times in {}", start(run)),
                        &attempt.caller,
                    );
                }
            }
        }
    }
    for check in &recording.capabilities.checks {
        let mut bare = check.clone();
        bare.callers.clear();
        for caller in &check.callers {
            note(format!("{bare:?}"), caller);
        }
    }
    for low in recording.capabilities.low_ports.iter().flatten() {
        for caller in &low.callers {
            note(format!("port {}", low.port), caller);
        }
    }
    Content {
        runs: starts(&recording.runs.iter().map(|run| run.id).collect::<Vec<_>>()),
        sessions: recording
            .sessions
            .iter()
            .map(|session| (session.kind, session.argv.clone(), starts(&session.runs)))
            .collect(),
        facts,
    }
}

/// Whatever a part says of a run, the whole says too; of ports, where all could look.
pub(crate) fn assert_keeps(whole: &Recording, parts: &[Recording]) {
    let mut parts = parts.to_vec();
    let all_looked = parts
        .iter()
        .all(|part| part.capabilities.low_ports.is_some());
    assert_eq!(whole.capabilities.low_ports.is_some(), all_looked);
    if !all_looked {
        for part in &mut parts {
            part.capabilities.low_ports = None;
        }
    }
    let whole = content(whole);
    for part in parts.iter().map(content) {
        assert!(part.runs.is_subset(&whole.runs));
        for (kind, argv, runs) in &part.sessions {
            let kept = |(k, a, r): &(SessionKind, Vec<Text>, BTreeSet<String>)| {
                (k, a) == (kind, argv) && runs.is_subset(r)
            };
            assert!(whole.sessions.iter().any(kept), "{argv:?}");
        }
        for (fact, callers) in &part.facts {
            let known = whole.facts.get(fact);
            let known = known.unwrap_or_else(|| panic!("{fact} is lost"));
            for (who, runs) in callers {
                assert!(
                    known.get(who).is_some_and(|k| runs.is_subset(k)),
                    "{fact}: {who:?}"
                );
            }
        }
    }
}
