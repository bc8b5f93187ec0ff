//! `profiler record --image IMAGE`

use anyhow::Context as _;

use super::output::Output;
use super::progress::Progress;
use super::recorder::Recorder;
use super::report;
use super::run::{About, End, Life};
use super::under::Under;
use crate::cli::{RecordArgs, RunOptions};
use crate::commands::engine_arguments;
use crate::commands::quiet::{Quiet, run_test};
use crate::kernel::{self, Boundary, Capacity, Observer, ScopeId, Watch};
use crate::recording::{self, Confinement, Outcome, RunContainer, Subject, Text, image_word};
use crate::target::Session;
use crate::target::cgroup::{Hierarchies, ScopeCgroup};
use crate::target::engine::{
    Container, ContainerFacts, ContainerSpec, Engine, EngineError, Exit, ImageFacts, Interrupt,
    Interrupts, TestOutcome, options, with_container,
};
use crate::terminal;

pub(super) async fn record(image: &str, args: &RecordArgs) -> anyhow::Result<u8> {
    kernel::preflight()?;
    let output = Output::file(args.output.as_deref(), image_word(image))?;
    let under = Under::parse(&args.under)?;
    let arguments = engine_arguments(&args.command)?;
    let engine = Engine::connect().await?;
    let facts = ImageRun {
        image,
        image_facts: engine
            .image_to_run(image, &args.options, &arguments)
            .await?,
        engine_facts: engine.facts().await?,
        options: &args.options,
        under: &under,
    };
    // Before anything is made that would have to be cleared away.
    let interrupts = Interrupts::of_this_process().context("cannot listen for signals")?;
    let hierarchies = Hierarchies::find()?;
    let session = Session::new();
    let driver = &facts.engine_facts.cgroup_driver;
    let scope = ScopeCgroup::engine_parent(&hierarchies, driver, &session.name(0))?;
    let mut observer = Observer::load(Watch {
        denials: !under.is_open(),
        capacity: Capacity::Few,
    })?;
    let mut life = facts.life(observer.watch(scope.id(), Boundary::Filter)?)?;
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
        let how = Attendance {
            test: args.test.as_deref(),
            interrupts: &interrupts,
            quiet: None,
        };
        let attended = how.attend(container, &mut seen, async || Ok(()));
        recorder.during(&life, &progress, attended).await
    })
    .await;
    progress.finish();
    if !seen.started {
        // Nothing of the subject's ran, so there is nothing to record.
        return Ok(ended?.exit_code());
    }
    seen.into_life(&mut life);
    let outcome = outcome(&ended);
    if let (Ok(_), Some(reason)) = (&ended, &outcome.reason) {
        terminal::say(&reason.to_string());
    }
    recorder.end(vec![(life, End::now(outcome))])?;
    let closed = recorder.close()?;
    closed.exit_code(ended?.exit_code())
}

/// A container of ours that is recorded: what is known before it is made.
pub(in crate::commands) struct ImageRun<'a> {
    pub(in crate::commands) image: &'a str,
    pub(in crate::commands) image_facts: ImageFacts,
    pub(in crate::commands) engine_facts: recording::Engine,
    pub(in crate::commands) options: &'a RunOptions,
    pub(in crate::commands) under: &'a Under,
}

impl ImageRun<'_> {
    /// It begins now.
    pub(in crate::commands) fn life(&self, scope: ScopeId) -> anyhow::Result<Life> {
        let no_new_privileges =
            options::no_new_privileges(self.options).map_err(EngineError::from)?;
        Ok(Life {
            scope,
            about: About {
                subject: Subject::Image {
                    reference: self.image.into(),
                    id: self.image_facts.id.clone(),
                    repo_digests: self.image_facts.repo_digests.clone(),
                    argv: Vec::new(),
                    service: None,
                },
                engine: Some(self.engine_facts.clone()),
                confinement: Confinement {
                    filter: self.under.facts(),
                    no_new_privileges,
                    privileged: false,
                    capabilities: None,
                },
            },
            started_ns: kernel::boot_time_ns(),
            container: None,
            health_check: None,
            from_birth: true,
        })
    }
}

/// What is known of the container even where its life ended in an error.
#[derive(Default)]
pub(in crate::commands) struct Seen {
    pub(in crate::commands) started: bool,
    facts: Option<ContainerFacts>,
    bounding_set: Option<Vec<String>>,
}

impl Seen {
    pub(in crate::commands) fn into_life(self, life: &mut Life) {
        life.about.confinement.capabilities = self.bounding_set;
        let Some(facts) = self.facts else { return };
        if let Subject::Image { argv, .. } = &mut life.about.subject {
            *argv = facts.argv;
        }
        life.container = Some(RunContainer {
            id: facts.id,
            name: facts.name,
        });
        life.health_check = facts.health_check;
    }
}

/// How a container is seen through its life.
pub(in crate::commands) struct Attendance<'a> {
    pub(in crate::commands) test: Option<&'a str>,
    pub(in crate::commands) interrupts: &'a Interrupts,
    /// Where nobody is to see what it and its test print.
    pub(in crate::commands) quiet: Option<&'a Quiet>,
}

impl Attendance<'_> {
    /// `look`: after the test, while the container still is as it left it.
    pub(in crate::commands) async fn attend(
        &self,
        container: &Container,
        seen: &mut Seen,
        look: impl AsyncFnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<Ended> {
        seen.facts = Some(container.facts().await?);
        let start = async {
            // An interrupt may come when the container runs and the engine has not said so yet.
            seen.started = true;
            let started = match self.quiet {
                Some(quiet) => container.start_with_log(quiet.log.clone()).await,
                None => container.start().await,
            };
            if let Err(failure) = started {
                seen.started = false;
                return Err(failure);
            }
            if let Some(process) = container.pid().await? {
                seen.bounding_set = report::bounding_set(&process.to_string());
            }
            // Without a test its end is what is waited for, and may come before it is asked.
            if self.test.is_some() {
                container.ready().await?;
                // Whether it did is asked again after the test.
                container.ended_soon().await?;
            }
            Ok(())
        };
        let mut tested = None;
        let mut interrupted = match self.interrupts.unless(start).await {
            Ok(came_up) => {
                came_up?;
                None
            }
            Err(interrupt) => Some(interrupt),
        };
        if interrupted.is_none() {
            match self.test {
                Some(test) => {
                    let environment = container.environment().await?;
                    let outcome = run_test(self.quiet, test, &environment, self.interrupts).await?;
                    interrupted = outcome.interrupted;
                    tested = Some(outcome);
                    look().await?;
                }
                None => interrupted = self.interrupts.unless(container.wait_exit()).await.err(),
            }
        }
        let by_itself = container.pid().await?.is_none();
        container.stop().await?;
        Ok(Ended {
            has_test: self.test.is_some(),
            tested,
            exit: container.wait_exit().await?,
            by_itself,
            interrupted,
        })
    }
}

/// As `docker run` has it: neither the subject nor the test says so.
const OURS: i32 = 125;

/// How a container's life that was seen to its end went.
pub(in crate::commands) struct Ended {
    has_test: bool,
    tested: Option<TestOutcome>,
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

    fn test_exit(&self) -> Option<i32> {
        self.tested.map(|outcome| outcome.exit_code)
    }

    /// Without a test, Ctrl-C is the ordinary way to end.
    fn cut_short(&self) -> Option<Interrupt> {
        self.interrupted.filter(|_| self.has_test)
    }

    fn exit_code(&self) -> u8 {
        let code = match (self.cut_short(), self.tested) {
            (Some(interrupt), _) => 128 + interrupt.signal,
            (None, Some(TestOutcome { late: true, .. })) => OURS,
            (None, Some(TestOutcome { exit_code: 0, .. })) if self.fell_over() => OURS,
            (None, Some(outcome)) => outcome.exit_code,
            (None, None) if self.by_itself => self.exit.exit_code,
            (None, None) => 0,
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    fn reason(&self) -> Option<String> {
        if let Some(interrupt) = self.cut_short() {
            Some(format!("interrupted by signal {}", interrupt.signal))
        } else if self.tested.is_some_and(|outcome| outcome.late) {
            Some("the test took too long".to_owned())
        } else if let Some(code) = self.test_exit().filter(|&code| code != 0) {
            let end = format!("the test ended with exit code {code}");
            Some(if self.fell_over() {
                format!(
                    "{end}, and the container had ended by itself: {}",
                    self.exit
                )
            } else {
                end
            })
        } else if self.by_itself && self.exit_code() != 0 {
            Some(format!("the container ended by itself: {}", self.exit))
        } else {
            None
        }
    }
}

pub(in crate::commands) fn outcome(ended: &anyhow::Result<Ended>) -> Outcome {
    match ended {
        Ok(ended) => Outcome {
            passed: ended.exit_code() == 0,
            test_exit: ended.test_exit(),
            subject_exit: Some(ended.exit.exit_code),
            reason: ended.reason().map(Text::from),
        },
        Err(failure) => Outcome {
            passed: false,
            test_exit: None,
            subject_exit: None,
            reason: Some(crate::commands::one_line(failure).into()),
        },
    }
}
