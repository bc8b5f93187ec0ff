//! `profiler verify PROFILE --image IMAGE`: start-up several times, the test once.

use std::time::Duration;

use anyhow::Context as _;

use super::{ablate, observations};
use crate::capabilities::{self, CapabilityList};
use crate::cli::{RunOptions, VerifyArgs};
use crate::commands::BadInput;
use crate::kernel::{Boundary, Capacity, Observer, Watch};
use crate::profile::read;
use crate::recording::Text;
use crate::target::cgroup::{Hierarchies, ScopeCgroup};
use crate::target::engine::{
    Container, ContainerSpec, Engine, EngineError, StartFailure, run_test, with_container,
};
use crate::target::{Interrupts, Session};
use crate::verify::{CapabilityRules, Start, Verdict, judge};

/// From the test's beginning to the pause.
const UNTIL_PAUSE: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn verify(args: &VerifyArgs, image: &str) -> anyhow::Result<Verdict> {
    let file = read(&args.profile).map_err(|error| BadInput(error.to_string()))?;
    let list = match &args.capabilities {
        Some(path) => Some(capabilities::read(path).map_err(|e| BadInput(e.to_string()))?),
        None => None,
    };
    let options = options(&args.options, list.as_ref())?;
    let arguments = arguments(args)?;
    // Before there is anything to leave behind.
    let interrupts = Interrupts::of_this_process()?;
    let engine = Engine::connect().await?;
    engine.image(image).await?;
    let driver = engine.facts().await?.cgroup_driver;
    let session = Session::new();
    let cgroup = ScopeCgroup::engine_parent(&Hierarchies::find()?, &driver, &session.name(0))?;
    let mut observer = Observer::load(Watch {
        denials: true,
        capacity: Capacity::Few,
    })?;
    let scope = observer.watch(cgroup.id(), Boundary::Filter)?;

    let mut stage = Stage {
        engine: &engine,
        session: &session,
        cgroup: &cgroup,
        interrupts: &interrupts,
        image,
        arguments: &arguments,
        seccomp: &file.json,
        test: args.test.as_deref(),
        starts: 0,
    };
    let mut starts = Vec::new();
    let mut exit_code = None;
    for ordinal in 1..=args.starts.get() {
        let (start, code) = stage.start(&options, ordinal == 1, ordinal == 1).await?;
        starts.push(start);
        exit_code = exit_code.or(code);
    }
    let mut seen = observations(&observer.facts(scope)?);
    seen.starts = starts;
    seen.exit_code = exit_code;
    let verdict = judge(&file.profile, list.clone().map(rules).as_ref(), &seen);
    if let (true, Some(list)) = (args.ablate, list) {
        if !verdict.passed() {
            return Ok(verdict);
        }
        ablate::ablate(&mut stage, &args.options, &list, args.output.as_deref()).await?;
    }
    cgroup.remove()?;
    Ok(verdict)
}

/// Where containers are started one after the other, and what they have in common.
pub(super) struct Stage<'a> {
    engine: &'a Engine,
    session: &'a Session,
    cgroup: &'a ScopeCgroup,
    interrupts: &'a Interrupts,
    image: &'a str,
    arguments: &'a [String],
    seccomp: &'a str,
    test: Option<&'a str>,
    starts: u32,
}

impl Stage<'_> {
    /// How it went, and the test's exit code. `first`: its log is shown, and it is paused.
    pub(super) async fn start(
        &mut self,
        options: &RunOptions,
        first: bool,
        tested: bool,
    ) -> anyhow::Result<(Start, Option<i32>)> {
        self.starts += 1;
        let name = self.session.name(self.starts);
        let spec = ContainerSpec {
            image: self.image,
            options,
            arguments: self.arguments,
            seccomp: Some(self.seccomp),
            cgroup_parent: Some(self.cgroup.parent_argument()),
            name: &name,
            session: self.session.id(),
        };
        let once = Once {
            first,
            test: self.test.filter(|_| tested),
            may_end: self.test.is_none(),
            scope: self.cgroup,
            interrupts: self.interrupts,
        };
        with_container(self.engine, &spec, async |container| {
            once.run(container).await
        })
        .await
    }
}

pub(super) fn options(
    given: &RunOptions,
    list: Option<&CapabilityList>,
) -> Result<RunOptions, BadInput> {
    let mut options = given.clone();
    let Some(list) = list else {
        return Ok(options);
    };
    if !(given.cap_add.is_empty() && given.cap_drop.is_empty()) {
        return Err(BadInput(
            "--cap-add and --cap-drop do not go with --capabilities, which says both".into(),
        ));
    }
    let no_new_privileges = |option: &String| option.starts_with("no-new-privileges");
    if list.no_new_privileges && !given.security_opt.iter().any(no_new_privileges) {
        return Err(BadInput(
            "the capability list holds under no-new-privileges only: add --security-opt no-new-privileges"
                .into(),
        ));
    }
    options.cap_drop.clone_from(&list.drop);
    options.cap_add.clone_from(&list.add);
    Ok(options)
}

fn arguments(args: &VerifyArgs) -> Result<Vec<String>, BadInput> {
    let utf8 = |argument: &std::ffi::OsString| {
        argument.clone().into_string().map_err(|bad| {
            BadInput(format!(
                "{} is not UTF-8, which the engine wants",
                Text::from(bad.as_os_str())
            ))
        })
    };
    args.command.iter().map(utf8).collect()
}

fn rules(list: CapabilityList) -> CapabilityRules {
    CapabilityRules {
        refused_when_recorded: list.may_be_refused(),
        added: list.add.into_iter().collect(),
    }
}

/// One start.
struct Once<'a> {
    /// Its log is shown, and it is paused.
    first: bool,
    test: Option<&'a str>,
    /// A program that ends well by itself has started well.
    may_end: bool,
    scope: &'a ScopeCgroup,
    interrupts: &'a Interrupts,
}

impl Once<'_> {
    /// How it went, and the test's exit code.
    async fn run(&self, container: &Container) -> anyhow::Result<(Start, Option<i32>)> {
        let begun = self.interrupts.unless(self.begin(container));
        let start = begun.await.map_err(|_| interrupted())??;
        if start != Start::Ready {
            return Ok((start, None));
        }
        if self.first {
            pause(container).await?;
        }
        let (frozen, code) = tokio::join!(self.freeze(), self.test(container));
        let code = code?;
        frozen?;
        container.stop().await?;
        if self.interrupts.heard().is_some() {
            return Err(interrupted());
        }
        Ok((start, code))
    }

    async fn begin(&self, container: &Container) -> anyhow::Result<Start> {
        let started = if self.first {
            container.start().await
        } else {
            container.start_with_log(tokio::io::sink()).await
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
        let outcome = run_test(test, &environment, self.interrupts).await?;
        Ok(Some(outcome.exit_code))
    }

    /// In the test, and by our own hand: the engine would refuse the test's `docker exec`
    /// meanwhile. Besides, the freezer of cgroup v2 wakes all that sleeps; v1's, which an engine
    /// may use, leaves most asleep
    /// (<https://github.com/torvalds/linux/blob/v6.18/kernel/freezer.c>).
    async fn freeze(&self) -> anyhow::Result<()> {
        if !self.first {
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

fn interrupted() -> anyhow::Error {
    anyhow::anyhow!("interrupted: there is no verdict")
}
