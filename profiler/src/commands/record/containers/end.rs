//! How a container's life ended, and what to say where there was none.

use std::fmt;

use super::known::{Known, Resolved};
use super::watcher::Alive;
use crate::recording::Outcome;

/// Of one life. Whether it passed is the test's to say, where there is one.
pub(super) fn outcome(known: Option<&Known>, alive: &Alive) -> Outcome {
    let out_of_memory = alive.oom || known.is_some_and(|known| known.oom);
    Outcome {
        passed: !out_of_memory,
        test_exit: None,
        subject_exit: alive.exit.or(known.and_then(|known| known.exit)),
        reason: out_of_memory.then(|| "a process of it ran out of memory".into()),
    }
}

/// No container was recorded.
pub(super) struct Nothing<'a> {
    pub(super) wanted: &'a Resolved,
    /// Started meanwhile, and not meant.
    pub(super) others: usize,
    /// Meant, and gone before they could be recorded.
    pub(super) missed: u64,
    pub(super) test: bool,
}

impl fmt::Display for Nothing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.test {
            "while the test ran"
        } else {
            "while it was waited for"
        };
        if self.missed > 0 {
            return write!(
                f,
                "nothing was recorded: {} containers were gone before they could be attached to; those with a --cgroup-parent of their own are not seen from their birth",
                self.missed
            );
        }
        match self.wanted {
            Resolved::Started(selector) => write!(
                f,
                "nothing was recorded: {selector} were meant, and none was started {when}"
            )?,
            Resolved::Running(_) => write!(f, "nothing was recorded")?,
        }
        if self.others > 0 {
            write!(
                f,
                " ({} others were; `docker inspect` tells their labels)",
                self.others
            )?;
        }
        Ok(())
    }
}
