//! `profiler record -- CMD…`

use std::path::Path;

use anyhow::Context as _;

use super::output::Output;
use super::progress::Progress;
use super::recorder::Recorder;
use super::report;
use super::run::{About, End, Life};
use super::under::Under;
use crate::cli::{LeftoverRule, RecordArgs};
use crate::kernel::{self, Boundary, Capacity, Observer, Watch};
use crate::profile;
use crate::recording::{Confinement, Outcome, Subject, Text};
use crate::target::cgroup::{Hierarchies, ScopeCgroup};
use crate::target::command::{self, CommandSpec, Leftovers};
use crate::target::{Interrupts, Session};

pub(super) async fn record(args: &RecordArgs) -> anyhow::Result<u8> {
    kernel::preflight()?;
    let subject = Path::new(&args.command[0]).file_name().map_or_else(
        || "command".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    let output = Output::file(args.output.as_deref(), &subject)?;
    let under = Under::parse(&args.under)?;
    let filter = profile::compile::compile(&under.profile()?)?;
    // Before there is anything to leave behind.
    let interrupts = Interrupts::of_this_process().context("cannot listen for signals")?;
    let hierarchies = Hierarchies::find()?;
    let scope = ScopeCgroup::below_own(&hierarchies, &Session::new().name(0))?;
    let mut observer = Observer::load(Watch {
        denials: !under.is_open(),
        capacity: Capacity::Few,
    })?;
    let mut life = Life {
        scope: observer.watch(scope.id(), Boundary::Filter)?,
        about: About {
            subject: Subject::Command {
                argv: args
                    .command
                    .iter()
                    .map(|word| Text::from(word.as_os_str()))
                    .collect(),
            },
            engine: None,
            confinement: Confinement {
                filter: under.facts(),
                no_new_privileges: false,
                privileged: false,
                capabilities: report::bounding_set("self"),
            },
        },
        started_ns: kernel::boot_time_ns(),
        container: None,
        health_check: None,
        from_birth: true,
    };
    let mut recorder = Recorder::new(observer, output, hierarchies.mode, args)?;

    let spec = CommandSpec {
        argv: &args.command,
        filter: &filter.program,
        cgroup: scope.path(),
        no_new_privileges: false,
        leftovers: match args.leftovers {
            LeftoverRule::Stop => Leftovers::Stop { grace: args.grace },
            LeftoverRule::Wait => Leftovers::Wait { grace: args.grace },
        },
    };
    let end = recorder
        // The terminal is the command's.
        .during(&life, &Progress::new(true), command::run(spec, &interrupts))
        .await?;
    if let Some(leftovers) = &end.leftovers {
        report::leftovers(leftovers);
    }
    life.about.confinement.no_new_privileges = end.no_new_privileges;
    let outcome = Outcome {
        passed: end.exit_code == 0,
        test_exit: None,
        subject_exit: Some(end.exit_code),
        reason: (end.exit_code != 0)
            .then(|| format!("the command ended with exit code {}", end.exit_code).into()),
    };
    recorder.end(vec![(life, End::now(outcome))])?;
    let code = u8::try_from(end.exit_code).unwrap_or(u8::MAX);
    recorder.close()?.exit_code(code)
}
