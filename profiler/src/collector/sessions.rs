//! Exec sessions: which command lines joined, and which of them are the health check's.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::RunClock;
use crate::kernel::SessionFacts;
use crate::recording::{ExecSession, SessionKind, Text};

/// From the kernel side's session ids to the recording's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions(HashMap<u32, u32>);

impl Sessions {
    pub(super) fn id(&self, kernel_id: u32) -> Option<u32> {
        self.0.get(&kernel_id).copied()
    }
}

/// In the order that they are numbered: by kind and command line.
///
/// `health_check`: the command line that the engine runs as a health check, where there is one.
pub fn sessions(
    clock: RunClock,
    facts: &[SessionFacts],
    health_check: Option<&[Text]>,
) -> (Vec<ExecSession>, Sessions) {
    let mut found: Vec<(SessionKind, Vec<Text>, u32)> = facts
        .iter()
        .map(|session| {
            let argv = arguments(&session.argv);
            let kind = match health_check {
                Some(check) if is_cut_of(&argv, check) => SessionKind::HealthCheck,
                _ => SessionKind::Exec,
            };
            (kind, argv, session.id)
        })
        .collect();
    found.sort();
    let mut sessions: Vec<ExecSession> = Vec::new();
    let mut ids = HashMap::new();
    for (kind, argv, kernel_id) in found {
        if sessions
            .last()
            .is_none_or(|last| last.kind != kind || last.argv != argv)
        {
            let id = u32::try_from(sessions.len()).unwrap_or(u32::MAX - 1) + 1;
            sessions.push(ExecSession {
                id,
                kind,
                argv,
                runs: vec![clock.run],
            });
        }
        ids.insert(kernel_id, sessions.len().try_into().unwrap_or(u32::MAX));
    }
    (sessions, Sessions(ids))
}

fn arguments(argv: &[u8]) -> Vec<Text> {
    let argv = argv.strip_suffix(b"\0").unwrap_or(argv);
    if argv.is_empty() {
        return Vec::new();
    }
    argv.split(|byte| *byte == 0)
        .map(|word| Text::from(OsStr::from_bytes(word)))
        .collect()
}

/// The kernel side keeps only so much of a command line.
fn is_cut_of(argv: &[Text], whole: &[Text]) -> bool {
    let joined = |words: &[Text]| {
        words
            .iter()
            .map(Text::as_bytes)
            .collect::<Vec<_>>()
            .join(&0)
    };
    let (argv, mut whole) = (joined(argv), joined(whole));
    whole.truncate(profiler_common::ARGV_LEN);
    !argv.is_empty() && argv == whole
}

#[cfg(test)]
mod tests {
    use super::{RunClock, sessions};
    use crate::kernel::SessionFacts;
    use crate::recording::{SessionKind, Text};

    const CLOCK: RunClock = RunClock {
        run: 3,
        started_ns: 0,
    };

    fn facts(id: u32, argv: &[u8]) -> SessionFacts {
        SessionFacts {
            id,
            argv: argv.to_vec(),
        }
    }

    #[test]
    fn the_same_command_line_is_one_session_and_a_health_check_is_told_apart() {
        let check: Vec<Text> = vec!["/bin/sh".into(), "-c".into(), "redis-cli ping".into()];
        let (found, ids) = sessions(
            CLOCK,
            &[
                facts(7, b"/bin/sh\0-c\0redis-cli ping\0"),
                facts(9, b"nginx\0-s\0reload\0"),
                facts(8, b"nginx\0-s\0reload\0"),
            ],
            Some(&check),
        );
        let shown: Vec<_> = found
            .iter()
            .map(|session| (session.id, session.kind, session.argv.len()))
            .collect();
        assert_eq!(
            shown,
            [(1, SessionKind::Exec, 3), (2, SessionKind::HealthCheck, 3)]
        );
        assert_eq!(
            [ids.id(7), ids.id(8), ids.id(9)],
            [Some(2), Some(1), Some(1)]
        );
        assert_eq!(ids.id(1), None);
    }

    #[test]
    fn a_long_health_check_is_known_by_what_was_kept_of_it() {
        let long = "x".repeat(500);
        let check: Vec<Text> = vec!["/bin/sh".into(), long.as_str().into()];
        let mut argv = b"/bin/sh\0".to_vec();
        argv.extend(long.as_bytes());
        argv.truncate(profiler_common::ARGV_LEN);
        let (found, _) = sessions(CLOCK, &[facts(1, &argv)], Some(&check));
        assert_eq!(found[0].kind, SessionKind::HealthCheck);
    }

    #[test]
    fn a_command_line_that_could_not_be_read_is_an_empty_one() {
        let (found, _) = sessions(CLOCK, &[facts(1, b"")], Some(&[]));
        assert_eq!((found[0].kind, found[0].argv.len()), (SessionKind::Exec, 0));
    }
}
