//! `profiler harden`: record, measure, record again, generate, enforce, ablate, write.

mod bench;
mod calls;
mod enforced;
mod footprint;
mod look;
mod measures;
mod progress;
mod recorded;
mod root;
mod runs;
mod write;

use anyhow::{Context as _, bail};

use self::bench::Bench;
use self::enforced::Enforced;
use self::measures::try_all;
use self::runs::{record_all, record_unrestricted};
use self::write::Folder;
use super::print;
use super::verify::{ablate, with_only};
use crate::capabilities::CapabilityList;
use crate::cli::{HardenArgs, RunOptions};
use crate::generator::{self, GenerateError};
use crate::harden::{
    CapabilityTold, Configuration, Evidence, FORMAT, MeasureTold, Report, State, Surface, VERSION,
    Work, droppable, findings, left_out, plan, without,
};
use crate::kernel;
use crate::output;
use crate::profile::Profile;
use crate::recording::Recording;
use crate::terminal;

/// Fewer do not tell whether there is more to see.
const RECORDED: usize = 2;

pub fn harden(args: &HardenArgs) -> anyhow::Result<u8> {
    let names_a_port =
        |port: &&String| port.rsplit(':').nth(1).is_some_and(|host| !host.is_empty());
    if let (true, Some(port)) = (
        args.jobs.get() > 1,
        args.options.publish.iter().find(names_a_port),
    ) {
        bail!(
            "--jobs {}: containers that run at once cannot all publish {port}; leave out one of the two",
            args.jobs
        );
    }
    tokio::runtime::Runtime::new()
        .context("cannot start the I/O threads")?
        .block_on(run(args))
}

async fn run(args: &HardenArgs) -> anyhow::Result<u8> {
    kernel::preflight()?;
    let folder = Folder::make(args.folder())?;
    let bench = Bench::new(args).await?;
    if args.resume.is_some() {
        terminal::say(&format!("going on from {} runs", bench.progress.known()));
    }
    let mut report = Report {
        format: FORMAT,
        version: VERSION,
        incomplete: None,
        image: args.image.as_str().into(),
        image_id: bench.image_facts.id.clone(),
        test: args.test.as_str().into(),
        before: State {
            privileged: args.today.privileged,
            ..State::of(&args.options, &bench.image_facts.user)
        },
        after: None,
        surface: None,
        measures: Vec::new(),
        capabilities: Vec::new(),
        calls: Vec::new(),
        dropped: Vec::new(),
        findings: findings(&Configuration {
            given: &args.options,
            given_up: &args.today.words(),
            image_variables: &bench.image_facts.variables,
            engine_has: &bench.engine_guards().await?,
        }),
        left_out: left_out(),
        widened: Vec::new(),
        warnings: Vec::new(),
        work: Work::default(),
    };
    let worked = Box::pin(work(args, &bench, &folder, &mut report)).await;
    let code = match (worked, bench.interrupts.heard()) {
        (Ok(()), None) => u8::from(report.incomplete.is_some()),
        (_, Some(interrupt)) => {
            report.incomplete = Some(format!("interrupted by signal {}", interrupt.signal));
            u8::try_from(128 + interrupt.signal).unwrap_or(u8::MAX)
        }
        (Err(error), None) => return Err(error),
    };
    folder.report(&report)?;
    print(&output::harden::table(&report))?;
    if let Some(why) = &report.incomplete {
        terminal::say(&format!(
            "not the whole result: {why}; see {}; --resume {} goes on from here",
            folder.told(),
            args.folder().display()
        ));
    } else {
        bench.progress.finish()?;
        terminal::say(&format!("wrote {}", folder.told()));
    }
    Ok(code)
}

async fn work(
    args: &HardenArgs,
    bench: &Bench<'_>,
    folder: &Folder,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (options, recording) = measured(args, bench, report).await?;
    folder.recording(&recording)?;
    let recordings = [recording];
    let (mut profile, mut warnings) =
        generator::generate(&recordings, generator::Options::default())?;
    let mut list = match generator::capabilities(&recordings, None) {
        Ok((list, about)) => {
            warnings.extend(about);
            Some(list)
        }
        Err(GenerateError::CapabilitiesNotObserved) => None,
        Err(error) => return Err(error.into()),
    };
    warnings.sort();
    warnings.dedup();
    report.warnings = warnings.iter().map(ToString::to_string).collect();

    let enforced = Enforced {
        args,
        bench,
        options: &options,
    };
    if !enforced
        .until_it_passes(&mut profile, &mut list, &[], report)
        .await?
    {
        return Ok(());
    }
    if let (false, Some(before)) = (args.no_ablate, list.clone()) {
        let seccomp = output::oci(&profile);
        let left = ablate(&before, async |less| {
            let left = bench.leave(&with_only(&options, less), &seccomp).await?;
            Ok(left.value.is_ok())
        })
        .await?;
        report.work.ablated = left.trials.try_into().unwrap_or(usize::MAX);
        let is_less = left.list.add != before.add;
        list = Some(left.list);
        // What went one after the other is tried as a whole.
        if is_less
            && !enforced
                .until_it_passes(&mut profile, &mut list, &[], report)
                .await?
        {
            return Ok(());
        }
    }
    report.capabilities = list.iter().flat_map(CapabilityTold::all).collect();
    let image_user = &bench.image_facts.user;
    let after = State::of(&options, image_user);
    report.after = Some(after.clone().under(&profile, list.as_ref()));
    report.surface = Some(Surface::of(&profile));
    let subject = recordings[0].subject.clone();
    let formats = |profile: &Profile, list: &Option<CapabilityList>| {
        let (subject, profile, list) = (subject.clone(), profile.clone(), list.clone());
        folder.formats(args, bench.arguments(), subject, profile, list, &options)
    };
    // What passed as a whole is there, whatever comes of the rest.
    formats(&profile, &list)?;
    if !args.no_ablate {
        let labelled = enforced.label(&profile, list.as_ref(), report).await?;
        if labelled && args.drop_silent {
            let dropped = droppable(&report.calls);
            profile = without(&profile, &dropped);
            if enforced
                .until_it_passes(&mut profile, &mut list, &dropped, report)
                .await?
            {
                report.after = Some(after.under(&profile, list.as_ref()));
                report.surface = Some(Surface::of(&profile));
                formats(&profile, &list)?;
                report.dropped = dropped;
            }
        }
    }
    Ok(())
}

/// The options with all measures that the test passes with, and what was recorded under them.
async fn measured(
    args: &HardenArgs,
    bench: &Bench<'_>,
    report: &mut Report,
) -> anyhow::Result<(RunOptions, Recording)> {
    let unrestricted = record_unrestricted(args, bench).await?;
    bench.expect(unrestricted.took);
    report.work.unrestricted = unrestricted.recording.runs.len();
    report.before.capabilities = unrestricted.capabilities();
    let mut measures = plan(&Evidence {
        given: &args.options,
        image_user: &bench.image_facts.user,
        look: &unrestricted.look,
        recording: &unrestricted.recording,
    });
    report.measures = measures.iter().map(MeasureTold::of).collect();
    let (options, tried) = try_all(bench, &args.options, &mut measures).await?;
    report.measures = measures.iter().map(MeasureTold::of).collect();
    report.work.tried = tried;

    let recorded = if options == args.options {
        unrestricted
    } else {
        record_all(bench, &options, RECORDED, args.runs.get().into()).await?
    };
    report.work.recorded = recorded.recording.runs.len();
    Ok((options, recorded.recording))
}
