//! Containers under a profile, one start after the other: `verify`'s, and each that `harden` tries.

use std::cell::Cell;
use std::num::NonZeroU8;
use std::time::Duration;

use anyhow::Context as _;

use super::quiet::{Quiet, run_test};
use super::verify::observations;
use crate::cli::RunOptions;
use crate::kernel::{Observer, ScopeId};
use crate::target::cgroup::ScopeCgroup;
use crate::target::engine::{
    Container, ContainerSpec, Engine, EngineError, StartFailure, with_container,
};
use crate::target::{Interrupts, Session};
use crate::verify::{Observations, Start};

/// From the test's beginning to the pause.
const UNTIL_PAUSE: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_secs(1);
/// As timeout(1) exits.
const LATE: i32 = 124;

/// What all starts have in common.
pub(super) struct Stage<'a> {
    pub(super) engine: &'a Engine,
    pub(super) session: &'a Session,
    pub(super) interrupts: &'a Interrupts,
    pub(super) image: &'a str,
    pub(super) arguments: &'a [String],
    pub(super) test: Option<&'a str>,
    /// How many, of any kind: their containers' names.
    pub(super) started: &'a Cell<u32>,
}

/// What a container runs under.
#[derive(Clone, Copy)]
pub(super) struct Confined<'a> {
    pub(super) cgroup: &'a ScopeCgroup,
    pub(super) options: &'a RunOptions,
    /// The profile's text.
    pub(super) seccomp: &'a str,
}

/// What becomes of one start.
#[derive(Clone, Copy)]
pub(super) struct Once {
    /// Its log is shown where nobody keeps it.
    paused: bool,
    tested: bool,
}

impl Once {
    pub(super) const TESTED: Self = Self {
        paused: false,
        tested: true,
    };
}

impl Stage<'_> {
    /// For a container, or a cgroup that containers start in.
    pub(super) fn next_name(&self) -> String {
        self.started.set(self.started.get() + 1);
        self.session.name(self.started.get())
    }

    /// How each went, how the test, which is run in the first, with a pause, and what `observer` saw
    /// of them, which watches their cgroup.
    pub(super) async fn starts(
        &self,
        confined: Confined<'_>,
        count: NonZeroU8,
        quiet: Option<&Quiet>,
        (observer, scope): (&Observer, ScopeId),
    ) -> anyhow::Result<Observations> {
        let mut starts = Vec::new();
        let mut exit_code = None;
        for ordinal in 1..=count.get() {
            let once = Once {
                paused: ordinal == 1,
                tested: ordinal == 1,
            };
            let (start, code) = self.start(confined, once, quiet, async |_| Ok(())).await?;
            starts.push(start);
            exit_code = exit_code.or(code);
        }
        Ok(Observations {
            starts,
            exit_code,
            ..observations(observer, scope)?
        })
    }

    /// How it went, and the test's exit code. `look`: after the test, before it is asked to stop.
    pub(super) async fn start(
        &self,
        confined: Confined<'_>,
        once: Once,
        quiet: Option<&Quiet>,
        look: impl AsyncFnOnce(&Container) -> anyhow::Result<()>,
    ) -> anyhow::Result<(Start, Option<i32>)> {
        let name = self.next_name();
        let spec = ContainerSpec {
            image: self.image,
            options: confined.options,
            arguments: self.arguments,
            seccomp: Some(confined.seccomp),
            cgroup_parent: Some(confined.cgroup.parent_argument()),
            name: &name,
            session: self.session.id(),
        };
        let life = Life {
            once,
            test: self.test.filter(|_| once.tested),
            may_end: self.test.is_none(),
            scope: confined.cgroup,
            interrupts: self.interrupts,
            quiet,
        };
        with_container(self.engine, &spec, async |container| {
            life.run(container, look).await
        })
        .await
    }
}

/// One container's life.
struct Life<'a> {
    once: Once,
    test: Option<&'a str>,
    /// A program that ends well by itself has started well.
    may_end: bool,
    scope: &'a ScopeCgroup,
    interrupts: &'a Interrupts,
    quiet: Option<&'a Quiet>,
}

impl Life<'_> {
    /// How it went, and the test's exit code.
    async fn run(
        &self,
        container: &Container,
        look: impl AsyncFnOnce(&Container) -> anyhow::Result<()>,
    ) -> anyhow::Result<(Start, Option<i32>)> {
        let begun = self.interrupts.unless(self.begin(container));
        let start = begun.await.map_err(|_| interrupted())??;
        if start != Start::Ready {
            return Ok((start, None));
        }
        if self.once.paused {
            pause(container).await?;
        }
        let (frozen, code) = tokio::join!(self.freeze(), self.test(container));
        let code = code?;
        frozen?;
        look(container).await?;
        container.stop().await?;
        if self.interrupts.heard().is_some() {
            return Err(interrupted());
        }
        Ok((start, code))
    }

    async fn begin(&self, container: &Container) -> anyhow::Result<Start> {
        let started = match self.quiet {
            Some(quiet) => container.start_with_log(quiet.log.clone()).await,
            None if self.once.paused => container.start().await,
            None => container.start_with_log(tokio::io::sink()).await,
        };
        let ready = match started {
            Ok(()) => container.ready().await,
            Err(error) => Err(error),
        };
        match ready {
            Ok(()) => Ok(container
                .ended_soon()
                .await?
                .map_or(Start::Ready, |exit| self.ended(exit.exit_code))),
            Err(EngineError::Start {
                failure: StartFailure::Stopped | StartFailure::Other,
                message,
                ..
            }) => Ok(Start::Refused(message)),
            Err(EngineError::EndedEarly { exit, .. }) => Ok(self.ended(exit.exit_code)),
            Err(EngineError::Unhealthy { log, .. }) => Ok(Start::Unhealthy(log)),
            Err(error) => Err(error.into()),
        }
    }

    fn ended(&self, code: i32) -> Start {
        if code == 0 && self.may_end {
            Start::Ready
        } else {
            Start::Ended(code)
        }
    }

    async fn test(&self, container: &Container) -> anyhow::Result<Option<i32>> {
        let Some(test) = self.test else {
            return Ok(None);
        };
        let environment = container.environment().await?;
        let outcome = run_test(self.quiet, test, &environment, self.interrupts).await?;
        Ok(Some(if outcome.late {
            LATE
        } else {
            outcome.exit_code
        }))
    }

    /// In the test, and by our own hand: the engine would refuse the test's `docker exec`
    /// meanwhile. Besides, the freezer of cgroup v2 wakes all that sleeps; v1's, which an engine
    /// may use, leaves most asleep
    /// (<https://github.com/torvalds/linux/blob/v6.18/kernel/freezer.c>).
    async fn freeze(&self) -> anyhow::Result<()> {
        if !self.once.paused {
            return Ok(());
        }
        tokio::time::sleep(UNTIL_PAUSE).await;
        let frozen = self.scope.freeze().context("cannot freeze its cgroup")?;
        tokio::time::sleep(PAUSE).await;
        drop(frozen);
        Ok(())
    }
}

/// The kernel resumes what waits by restart_syscall, which no recording shows.
async fn pause(container: &Container) -> Result<(), EngineError> {
    match container.pause().await {
        Ok(()) => {
            tokio::time::sleep(PAUSE).await;
            container.unpause().await
        }
        // One that has ended by itself cannot be paused.
        Err(_) if container.pid().await?.is_none() => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn interrupted() -> anyhow::Error {
    anyhow::anyhow!("interrupted: there is no verdict")
}
