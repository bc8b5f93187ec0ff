//! One run of the container and its test, recorded: what it showed, and how it failed.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::look::{look, sample};
use crate::commands::one_line;
use crate::commands::quiet::Quiet;
use crate::commands::record::{Attendance, Ended, Seen};
use crate::harden::{Look, Peaks};
use crate::recording::Recording;
use crate::target::Interrupts;
use crate::target::cgroup::ScopeCgroup;
use crate::target::engine::{Container, EngineError};

/// One run of the container and its test, recorded under the open filter.
#[derive(Serialize, Deserialize)]
pub(super) struct Recorded {
    pub(super) recording: Recording,
    pub(super) look: Look,
    /// Why it did not pass, with the last that was said.
    pub(super) refused: Option<String>,
    /// The same, where it ran just now.
    #[serde(skip)]
    pub(super) failed: Option<Failed>,
    /// From the container's start to the test's end.
    pub(super) took: Duration,
}

pub(super) struct Failed {
    pub(super) error: anyhow::Error,
    pub(super) quiet: Quiet,
}

impl Failed {
    pub(super) fn words(&self) -> String {
        // Not by its name, which is ours, and its log is not above.
        let why = match self.error.downcast_ref() {
            Some(EngineError::EndedEarly { exit, .. }) => {
                format!("the container ended before it was ready, with {exit}")
            }
            Some(EngineError::Unhealthy { log, .. }) => {
                format!("the container is unhealthy: {log}")
            }
            _ => one_line(&self.error),
        };
        with_what_was_said(why, &self.quiet)
    }
}

pub(super) fn with_what_was_said(why: String, quiet: &Quiet) -> String {
    match quiet.said() {
        Some(said) => format!("{why} ({said})"),
        None => why,
    }
}

/// The engine's words about this container; others say that there is no going on.
pub(super) fn is_of_the_container(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(
            EngineError::Create { .. }
                | EngineError::Start { .. }
                | EngineError::EndedEarly { .. }
                | EngineError::Unhealthy { .. }
        )
    )
}

/// A container's life while it is recorded, and what was seen besides.
pub(super) struct Attended<'a> {
    pub(super) test: &'a str,
    pub(super) interrupts: &'a Interrupts,
    pub(super) scope: &'a ScopeCgroup,
    pub(super) seen: Seen,
    pub(super) look: Look,
    pub(super) quiet: Quiet,
    pub(super) took: Duration,
}

impl Attended<'_> {
    pub(super) async fn attend(&mut self, container: &Container) -> anyhow::Result<Ended> {
        let peaks = Cell::new(Peaks::default());
        let how = Attendance {
            test: Some(self.test),
            interrupts: self.interrupts,
            quiet: Some(&self.quiet),
        };
        let (begun, started) = (Instant::now(), SystemTime::now());
        let attended = how.attend(container, &mut self.seen, async || {
            self.took = begun.elapsed();
            self.look = look(container, self.scope, peaks.get(), started).await?;
            Ok(())
        });
        tokio::select! {
            ended = attended => ended,
            () = sample(self.scope, &peaks) => unreachable!("it counts until it is dropped"),
        }
    }
}
