//! Where `harden` runs its containers: each in a cgroup of its own, watched, and gone afterwards.

use std::cell::Cell;
use std::num::NonZeroU8;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::OnceCell;

use super::footprint::footprint;
use super::progress::{Answer, Asked, Configuration, Progress};
use super::recorded::{Attended, Failed, Recorded, is_of_the_container, with_what_was_said};
use crate::cli::{HardenArgs, RunOptions};
use crate::commands::engine_arguments;
use crate::commands::quiet::{Quiet, run_test};
use crate::commands::record::{End, ImageRun, Provenance, Seen, Under, outcome};
use crate::commands::stage::{Confined, Once, Stage};
use crate::harden::{Footprint, Look, is_internal};
use crate::kernel::{Boundary, Capacity, Observer, Watch, kernel_release};
use crate::profile::OPEN;
use crate::recording;
use crate::target::cgroup::{Hierarchies, ScopeCgroup};
use crate::target::engine::{
    ContainerSpec, Engine, EngineError, ImageFacts, OwnNetwork, with_container,
};
use crate::target::{Interrupts, Session};
use crate::verify::{Observations, Start};

/// How much slower a test may become: a machine is not as busy all the time.
const SLOWER: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(10);
/// The address of a container that does not run: nothing connects to it, and the kernel says so at once.
const UNREACHABLE: &str = "255.255.255.255";

pub(super) struct Bench<'a> {
    pub(super) image_facts: ImageFacts,
    pub(super) interrupts: Interrupts,
    pub(super) progress: Progress,
    args: &'a HardenArgs,
    arguments: Vec<String>,
    engine: Engine,
    engine_facts: recording::Engine,
    hierarchies: Hierarchies,
    session: Session,
    started: Cell<u32>,
    /// Once it is needed; gone with us.
    internal: OnceCell<OwnNetwork>,
    /// How long a test may take.
    limit: Cell<Duration>,
}

impl<'a> Bench<'a> {
    pub(super) async fn new(args: &'a HardenArgs) -> anyhow::Result<Self> {
        let arguments = engine_arguments(&args.command)?;
        let engine = Engine::connect().await?;
        let image_facts = engine
            .image_to_run(&args.image, &args.options, &arguments)
            .await?;
        let engine_facts = engine.facts().await?;
        let configuration = configuration(args, &arguments, &image_facts, &engine_facts);
        let progress = match &args.resume {
            Some(folder) => Progress::resume(folder, &configuration)?,
            None => Progress::begin(args.folder(), &configuration)?,
        };
        Ok(Self {
            image_facts,
            engine_facts,
            engine,
            progress,
            // Before anything is made that would have to be cleared away.
            interrupts: Interrupts::of_this_process().context("cannot listen for signals")?,
            args,
            arguments,
            hierarchies: Hierarchies::find()?,
            session: Session::new(),
            started: Cell::new(0),
            internal: OnceCell::new(),
            limit: Cell::new(args.timeout),
        })
    }

    /// What took so long unrestricted hangs where it takes much longer.
    pub(super) fn expect(&self, took: Duration) {
        self.limit
            .set((took * SLOWER + PATIENCE).min(self.args.timeout));
    }

    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    fn scope(&self) -> anyhow::Result<ScopeCgroup> {
        let driver = &self.engine_facts.cgroup_driver;
        Ok(ScopeCgroup::engine_parent(
            &self.hierarchies,
            driver,
            &self.stage().next_name(),
        )?)
    }

    /// One for all runs: nothing gets out of it.
    pub(super) async fn internal_network(&self) -> Result<&OwnNetwork, EngineError> {
        let make = || {
            let name = self.stage().next_name();
            OwnNetwork::internal(&self.engine, name, self.session.id())
        };
        self.internal.get_or_try_init(make).await
    }

    /// With the network that is made for these runs, where that is meant.
    async fn here(&self, options: &RunOptions) -> anyhow::Result<RunOptions> {
        let mut here = options.clone();
        if is_internal(options, &self.args.options) {
            let network = self.internal_network().await?;
            here.network = Some(network.name().to_owned());
        }
        Ok(here)
    }

    /// Whether the test passes though nothing runs: against a container that was made and not started.
    pub(super) async fn passes_without(&self) -> anyhow::Result<bool> {
        let name = self.stage().next_name();
        let spec = ContainerSpec {
            image: &self.args.image,
            options: &self.args.options,
            arguments: &self.arguments,
            seccomp: Some(OPEN),
            cgroup_parent: None,
            name: &name,
            session: self.session.id(),
        };
        let outcome = with_container(&self.engine, &spec, async |container| {
            let mut environment = container.environment().await?;
            if !environment.iter().any(|(name, _)| *name == "PROFILER_IP") {
                environment.push(("PROFILER_IP", UNREACHABLE.to_owned()));
            }
            let quiet = Quiet::new(self.limit.get());
            let test = &self.args.test;
            let outcome = run_test(Some(&quiet), test, &environment, &self.interrupts).await?;
            Ok::<_, anyhow::Error>(outcome)
        })
        .await?;
        if self.interrupts.heard().is_some() {
            return Err(crate::commands::stage::interrupted());
        }
        Ok(!outcome.late && outcome.exit_code == 0)
    }

    pub(super) async fn record(&self, options: &RunOptions) -> anyhow::Result<Recorded> {
        let asked = Asked::recorded(options);
        let answer = self
            .progress
            .once(asked, async || self.record_now(options).await);
        Ok(answer.await?.value)
    }

    async fn record_now(&self, options: &RunOptions) -> anyhow::Result<Recorded> {
        let here = self.here(options).await?;
        let scope = self.scope()?;
        let mut observer = Observer::load(Watch {
            denials: false,
            capacity: Capacity::Few,
        })?;
        let facts = ImageRun {
            image: &self.args.image,
            image_facts: self.image_facts.clone(),
            engine_facts: self.engine_facts.clone(),
            options,
            under: &Under::Open,
        };
        let watched = observer.watch(scope.id(), Boundary::Filter)?;
        let mut life = facts.life(watched)?;
        let name = self.stage().next_name();
        let spec = ContainerSpec {
            image: &self.args.image,
            options: &here,
            arguments: &self.arguments,
            seccomp: Some(OPEN),
            cgroup_parent: Some(scope.parent_argument()),
            name: &name,
            session: self.session.id(),
        };
        let mut attended = Attended {
            test: &self.args.test,
            interrupts: &self.interrupts,
            scope: &scope,
            seen: Seen::default(),
            look: Look::default(),
            quiet: Quiet::new(self.limit.get()),
            took: Duration::ZERO,
        };
        let ended = with_container(&self.engine, &spec, async |container| {
            attended.attend(container).await
        })
        .await;
        if self.interrupts.heard().is_some() {
            return Err(crate::commands::stage::interrupted());
        }
        let Attended {
            seen,
            look,
            quiet,
            took,
            ..
        } = attended;
        seen.into_life(&mut life);
        let outcome = outcome(&ended);
        let error = match ended {
            Err(error) if is_of_the_container(&error) => Some(error),
            Err(error) => return Err(error),
            Ok(_) => outcome.reason.as_ref().map(|why| anyhow::anyhow!("{why}")),
        };
        let failed = error.map(|error| Failed { error, quiet });
        let provenance = Provenance::here(self.hierarchies.mode, &observer)?;
        let mut recording = provenance.recording(
            &observer,
            &life,
            &observer.facts(watched)?,
            End::now(outcome),
        );
        recording.losses = crate::collector::losses(&observer.losses()?, 0);
        scope.remove()?;
        Ok(Recorded {
            recording,
            look,
            refused: failed.as_ref().map(Failed::words),
            failed,
            took,
        })
    }

    fn stage(&self) -> Stage<'_> {
        Stage {
            engine: &self.engine,
            session: &self.session,
            interrupts: &self.interrupts,
            image: &self.args.image,
            arguments: &self.arguments,
            test: Some(&self.args.test),
            started: &self.started,
        }
    }

    /// Several starts under a profile, the test in the first, and what was refused.
    pub(super) async fn enforce(
        &self,
        options: &RunOptions,
        seccomp: &str,
        starts: NonZeroU8,
    ) -> anyhow::Result<(Observations, Quiet)> {
        let here = self.here(options).await?;
        let cgroup = self.scope()?;
        let mut observer = Observer::load(Watch {
            denials: true,
            capacity: Capacity::Few,
        })?;
        let scope = observer.watch(cgroup.id(), Boundary::Filter)?;
        let quiet = Quiet::new(self.limit.get());
        let confined = Confined {
            cgroup: &cgroup,
            options: &here,
            seccomp,
        };
        let (stage, watched) = (self.stage(), (&observer, scope));
        let seen = stage
            .starts(confined, starts, Some(&quiet), watched)
            .await?;
        cgroup.remove()?;
        Ok((seen, quiet))
    }

    /// One start and its test, not watched: what it left, or why it did not pass.
    pub(super) async fn leave(
        &self,
        options: &RunOptions,
        seccomp: &str,
    ) -> anyhow::Result<Answer<Result<Footprint, String>>> {
        let asked = Asked::tried(options, seccomp);
        self.progress
            .once(asked, async || self.leave_now(options, seccomp).await)
            .await
    }

    async fn leave_now(
        &self,
        options: &RunOptions,
        seccomp: &str,
    ) -> anyhow::Result<Result<Footprint, String>> {
        let here = self.here(options).await?;
        let cgroup = self.scope()?;
        let quiet = Quiet::new(self.limit.get());
        let confined = Confined {
            cgroup: &cgroup,
            options: &here,
            seccomp,
        };
        let mut left = Footprint::default();
        let stage = self.stage();
        let started = stage.start(confined, Once::TESTED, Some(&quiet), async |container| {
            left = footprint(container, &cgroup, options).await?;
            Ok(())
        });
        let (start, code) = started.await?;
        cgroup.remove()?;
        left.log(&quiet.log.to_string());
        let why = match (start, code) {
            (Start::Ready, None | Some(0)) => return Ok(Ok(left)),
            (Start::Ready, Some(code)) => format!("the test ended with exit code {code}"),
            (Start::Ended(code), _) => format!("the container ended with exit code {code}"),
            (Start::Refused(message), _) => message.to_string(),
            (Start::Unhealthy(log), _) => format!("the container is unhealthy: {log}"),
        };
        Ok(Err(with_what_was_said(why, &quiet)))
    }
}

/// All that a run's outcome hangs on.
fn configuration(
    args: &HardenArgs,
    arguments: &[String],
    image: &ImageFacts,
    engine: &recording::Engine,
) -> Configuration {
    let runtime = engine.runtime_version.as_deref().unwrap_or_default();
    [
        ("image", image.id.clone()),
        ("command", shell_words::join(arguments)),
        ("test", args.test.clone()),
        ("set of options", shell_words::join(args.options.words())),
        (
            "engine",
            format!(
                "{} {}, {} {runtime}",
                engine.name, engine.version, engine.runtime
            ),
        ),
        ("kernel", kernel_release()),
        ("profiler", env!("CARGO_PKG_VERSION").to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
