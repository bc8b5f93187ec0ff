//! `profiler record --image IMAGE`

use anyhow::Context as _;

use super::output::Output;
use super::progress::Progress;
use super::recorder::Recorder;
use super::report;
use super::run::{About, End, Life};
use super::under::Under;
use crate::cli::RecordArgs;
use crate::kernel::{self, Boundary, Capacity, Observer, Watch};
use crate::recording::{Confinement, Outcome, RunContainer, Subject, Text, image_word};
use crate::target::Session;
use crate::target::cgroup::{Hierarchies, ScopeCgroup};
use crate::target::engine::{
    Container, ContainerSpec, Engine, EngineError, Exit, Interrupt, Interrupts, options, run_test,
    with_container,
};
use crate::terminal;

pub(super) async fn record(image: &str, args: &RecordArgs) -> anyhow::Result<u8> {
    kernel::preflight()?;
    let output = Output::file(args.output.as_deref(), image_word(image))?;
    let under = Under::parse(&args.under)?;
    let no_new_privileges = options::no_new_privileges(&args.options).map_err(EngineError::from)?;
    let arguments = arguments(args)?;
    let engine = Engine::connect().await?;
    let engine_facts = engine.facts().await?;
    let image_facts = engine.image(image).await?;
    // Before anything is made that would have to be cleared away.
    let interrupts = Interrupts::of_this_process().context("cannot listen for signals")?;
    let hierarchies = Hierarchies::find()?;
    let session = Session::new();
    let scope =
        ScopeCgroup::engine_parent(&hierarchies, &engine_facts.cgroup_driver, &session.name(0))?;
    let mut observer = Observer::load(Watch {
        denials: !under.is_open(),
        capacity: Capacity::Few,
    })?;
    let mut life = Life {
        scope: observer.watch(scope.id(), Boundary::Filter)?,
        about: About {
            subject: Subject::Image {
                reference: image.into(),
                id: image_facts.id,
                repo_digests: image_facts.repo_digests,
                argv: Vec::new(),
                service: None,
            },
            engine: Some(engine_facts),
            confinement: Confinement {
                filter: under.facts(),
                no_new_privileges,
                privileged: false,
                capabilities: None,
            },
        },
        started_ns: kernel::boot_time_ns(),
        container: None,
        health_check: None,
        from_birth: true,
    };
    let mut recorder = Recorder::new(observer, output, hierarchies.mode, args)?;

    let name = session.name(1);
    let spec = ContainerSpec {
        image,
        options: &args.options,
        arguments: &arguments,
        seccomp: under.json(),
        cgroup_parent: Some(scope.parent_argument()),
        name: &name,
        session: session.id(),
    };
    let progress = Progress::new(args.quiet);
    let mut seen = Seen::default();
    let ended = with_container(&engine, &spec, async |container| {
        let attended = attend(container, args.test.as_deref(), &interrupts, &mut seen);
        recorder.during(&life, &progress, attended).await
    })
    .await;
    progress.finish();
    if !seen.started {
        // Nothing of the subject's ran, so there is nothing to record.
        return Ok(ended?.exit_code());
    }
    if let Subject::Image { argv, .. } = &mut life.about.subject {
        *argv = seen.argv.into_iter().map(Text::from).collect();
    }
    life.about.confinement.capabilities = seen.bounding_set;
    life.container = seen.container;
    life.health_check = seen.health_check;
    let outcome = match &ended {
        Ok(ended) => ended.outcome(),
        Err(failure) => Outcome {
            passed: false,
            test_exit: None,
            subject_exit: None,
            reason: Some(crate::commands::one_line(failure).into()),
        },
    };
    recorder.end(vec![(life, End::now(outcome))])?;
    let closed = recorder.close()?;
    closed.exit_code(ended?.exit_code())
}

/// What is known of the container even where its life ended in an error.
#[derive(Default)]
struct Seen {
    started: bool,
    argv: Vec<String>,
    bounding_set: Option<Vec<String>>,
    container: Option<RunContainer>,
    health_check: Option<Vec<Text>>,
}

async fn attend(
    container: &Container,
    test: Option<&str>,
    interrupts: &Interrupts,
    seen: &mut Seen,
) -> anyhow::Result<Ended> {
    seen.argv = container.argv().await?;
    let start = async {
        // An interrupt may come when the container runs and the engine has not said so yet.
        seen.started = true;
        if let Err(failure) = container.start().await {
            seen.started = false;
            return Err(failure);
        }
        if let Some(process) = container.pid().await? {
            seen.bounding_set = report::bounding_set(&process.to_string());
        }
        // Without a test its end is what is waited for, and may come before it is asked.
        if test.is_some() {
            container.ready().await?;
            // Whether it did is asked again after the test.
            container.ended_soon().await?;
        }
        Ok(())
    };
    let mut test_exit = None;
    let mut interrupted = match interrupts.unless(start).await {
        Ok(came_up) => {
            came_up?;
            None
        }
        Err(interrupt) => Some(interrupt),
    };
    if interrupted.is_none() {
        match test {
            Some(test) => {
                let outcome = run_test(test, &container.environment().await?, interrupts).await?;
                test_exit = Some(outcome.exit_code);
                interrupted = outcome.interrupted;
            }
            None => interrupted = interrupts.unless(container.wait_exit()).await.err(),
        }
    }
    let by_itself = container.pid().await?.is_none();
    container.stop().await?;
    Ok(Ended {
        has_test: test.is_some(),
        test_exit,
        exit: container.wait_exit().await?,
        by_itself,
        interrupted,
    })
}

/// As `docker run` has it: neither the subject nor the test says so.
const OURS: i32 = 125;

/// How a container's life that was seen to its end went.
struct Ended {
    has_test: bool,
    test_exit: Option<i32>,
    exit: Exit,
    /// Before it was asked to stop.
    by_itself: bool,
    interrupted: Option<Interrupt>,
}

impl Ended {
    /// A test that passes while its container falls over has not tested it. One that ends it by
    /// the engine's signals (SIGTERM, SIGKILL) may mean to.
    fn fell_over(&self) -> bool {
        self.by_itself && !matches!(self.exit.exit_code, 0 | 137 | 143)
    }

    /// Without a test, Ctrl-C is the ordinary way to end.
    fn cut_short(&self) -> Option<Interrupt> {
        self.interrupted.filter(|_| self.has_test)
    }

    fn exit_code(&self) -> u8 {
        let code = match (self.cut_short(), self.test_exit) {
            (Some(interrupt), _) => 128 + interrupt.signal,
            (None, Some(0)) if self.fell_over() => OURS,
            (None, Some(code)) => code,
            (None, None) if self.by_itself => self.exit.exit_code,
            (None, None) => 0,
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    fn outcome(&self) -> Outcome {
        let reason = if let Some(interrupt) = self.cut_short() {
            Some(format!("interrupted by signal {}", interrupt.signal))
        } else if let Some(code) = self.test_exit.filter(|&code| code != 0) {
            Some(format!("the test ended with exit code {code}"))
        } else if self.by_itself && self.exit_code() != 0 {
            Some(format!("the container ended by itself: {}", self.exit))
        } else {
            None
        };
        if let Some(reason) = &reason {
            terminal::say(reason);
        }
        Outcome {
            passed: self.exit_code() == 0,
            test_exit: self.test_exit,
            subject_exit: Some(self.exit.exit_code),
            reason: reason.map(Text::from),
        }
    }
}

/// The engine's API takes text only.
fn arguments(args: &RecordArgs) -> anyhow::Result<Vec<String>> {
    args.command
        .iter()
        .map(|argument| {
            argument.to_str().map(str::to_owned).with_context(|| {
                format!(
                    "{} is not UTF-8; an engine takes no other arguments",
                    Text::from(argument.as_os_str())
                )
            })
        })
        .collect()
}
