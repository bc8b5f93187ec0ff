//! Who asked, from where, when, and how often: the phrases that calls and capabilities share.

use std::time::Duration;

use crate::recording::{
    Caller, ExecSession, Phase, Recording, SessionKind, Sighting, Subject, command_line,
};

/// `/usr/sbin/nginx (nginx), workload, in 2 of 2 runs`
pub fn who(recording: &Recording, caller: &Caller) -> String {
    format!(
        "{}, {}, in {} of {} runs",
        program(recording, caller),
        origin(recording, caller),
        caller.runs.len(),
        recording.runs.len()
    )
}

/// `12 ms`, `1.3 s`, `1m 30s`, with the run where it was not the first.
pub(super) fn when(first: &Sighting) -> String {
    let time = match first.at_ms {
        ms @ ..100 => format!("{ms} ms"),
        ms @ ..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => humantime::format_duration(Duration::from_secs(ms / 1000)).to_string(),
    };
    match first.run {
        1 => time,
        run => format!("{time} of run {run}"),
    }
}

/// The earliest first; those without a time last.
pub(super) fn in_time(callers: &[Caller]) -> Vec<&Caller> {
    let mut callers: Vec<&Caller> = callers.iter().collect();
    callers.sort_by_key(|caller| {
        let first = caller.first.as_ref().map(|first| (first.run, first.at_ms));
        (first.is_none(), first, caller.identity())
    });
    callers
}

fn program(recording: &Recording, caller: &Caller) -> String {
    let program = match (&caller.exe, caller.phase, &recording.subject) {
        (Some(exe), ..) => exe.to_string(),
        (None, Phase::Runtime, Subject::Command { .. }) => "what started it".to_owned(),
        (None, Phase::Runtime, _) => "the container runtime".to_owned(),
        (None, ..) => "an unknown program".to_owned(),
    };
    match &caller.first {
        Some(first) => format!("{program} ({})", first.comm),
        None => program,
    }
}

fn origin(recording: &Recording, caller: &Caller) -> String {
    match caller.phase {
        Phase::Runtime => "before the first program".to_owned(),
        Phase::Workload => "workload".to_owned(),
        Phase::Exec => {
            let sessions = &recording.sessions;
            let session = sessions.iter().find(|s| caller.session == Some(s.id));
            session.map_or_else(|| "an unknown exec session".to_owned(), session_name)
        }
    }
}

fn session_name(session: &ExecSession) -> String {
    let kind = match session.kind {
        SessionKind::Exec => "exec",
        SessionKind::HealthCheck => "health check",
    };
    if session.argv.is_empty() {
        format!("{kind}, its command line unknown")
    } else {
        format!("{kind} \"{}\"", command_line(&session.argv))
    }
}
