//! One numbering of runs and exec sessions for two recordings: by what they are, not by which
//! recording they came from.

use std::collections::BTreeMap;
use std::mem;

use super::union::{unite, unite_runs};
use crate::recording::{Caller, ExecSession, Recording, Run, SessionKind, Text};

/// Afterwards `into` has the runs and sessions of both, `other` none, and callers of both refer to
/// them.
pub(super) fn number_alike(into: &mut Recording, other: &mut Recording) {
    let mut runs = Vec::new();
    unite(
        &mut runs,
        into.runs.iter().chain(&other.runs).cloned().collect(),
        |a, b| identity(a).cmp(&identity(b)),
        later_view,
    );
    for (run, id) in runs.iter_mut().zip(1..) {
        run.id = id;
    }
    for recording in [&mut *into, &mut *other] {
        number_runs(recording, &runs);
    }
    into.runs = runs;

    let mut sessions = Vec::new();
    unite(
        &mut sessions,
        into.sessions
            .iter()
            .chain(&other.sessions)
            .cloned()
            .collect(),
        |a, b| command(a).cmp(&command(b)),
        |known, next| unite_runs(&mut known.runs, mem::take(&mut next.runs)),
    );
    sessions.sort_by(|a, b| (a.runs.first(), command(a)).cmp(&(b.runs.first(), command(b))));
    for (session, id) in sessions.iter_mut().zip(1..) {
        session.id = id;
    }
    for recording in [&mut *into, &mut *other] {
        number_sessions(recording, &sessions);
    }
    into.sessions = sessions;
}

/// What tells one run from another. A container that is restarted starts anew.
fn identity(run: &Run) -> (&str, Option<&str>) {
    let container = run.container.as_ref().map(|container| &*container.id);
    (&run.started, container)
}

fn command(session: &ExecSession) -> (SessionKind, &[Text]) {
    (session.kind, &session.argv)
}

/// A checkpoint of a run saw less of it than what was written at its end.
fn later_view(known: &mut Run, next: &mut Run) {
    let extent = |run: &Run| {
        let all = serde_json::to_string(&Run {
            id: 0,
            ..run.clone()
        });
        (
            run.to_end,
            run.duration_ms,
            all.expect("a run is always valid JSON"),
        )
    };
    if extent(next) > extent(known) {
        mem::swap(known, next);
    }
}

/// A run that the recording refers to and does not have is dropped.
fn number_runs(recording: &mut Recording, runs: &[Run]) {
    let numbers: BTreeMap<u32, u32> = recording
        .runs
        .iter()
        .filter_map(|run| {
            let index = runs.binary_search_by(|known| identity(known).cmp(&identity(run)));
            Some((run.id, runs[index.ok()?].id))
        })
        .collect();
    let renumber = |ids: &mut Vec<u32>| {
        let others = mem::take(ids);
        unite_runs(
            ids,
            others
                .iter()
                .filter_map(|id| numbers.get(id).copied())
                .collect(),
        );
    };
    for session in &mut recording.sessions {
        renumber(&mut session.runs);
    }
    for attempt in recording.attempts_mut() {
        let counts = mem::take(&mut attempt.counts);
        for (run, count) in counts {
            if let Some(&run) = numbers.get(&run) {
                let known: &mut u64 = attempt.counts.entry(run).or_default();
                *known = (*known).max(count);
            }
        }
    }
    recording.each_caller(|caller| {
        renumber(&mut caller.runs);
        caller.first = caller.first.take().and_then(|mut first| {
            first.run = *numbers.get(&first.run)?;
            Some(first)
        });
    });
}

fn number_sessions(recording: &mut Recording, sessions: &[ExecSession]) {
    let numbers: BTreeMap<u32, u32> = recording
        .sessions
        .iter()
        .filter_map(|session| {
            let known = sessions
                .iter()
                .find(|known| command(known) == command(session));
            Some((session.id, known?.id))
        })
        .collect();
    recording.each_caller(|caller: &mut Caller| {
        caller.session = caller.session.and_then(|id| numbers.get(&id).copied());
    });
}
