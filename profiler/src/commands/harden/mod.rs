//! `profiler harden`: record, measure, record again, generate, enforce, widen, ablate, write.

mod bench;
mod look;
mod measures;
mod write;

use std::time::Duration;

use anyhow::{Context as _, bail};

use self::bench::Bench;
use self::measures::{refused, try_all};
use self::write::Folder;
use super::print;
use super::verify::{ablate, rules, with_only};
use crate::capabilities::CapabilityList;
use crate::cli::{HardenArgs, RunOptions};
use crate::generator::{self, GenerateError};
use crate::harden::{
    CapabilityTold, Evidence, FORMAT, Look, MeasureTold, Report, State, VERSION, Work, plan, widen,
};
use crate::kernel;
use crate::output;
use crate::profile::Profile;
use crate::recording::{self, Recording};
use crate::target::engine::EngineError;
use crate::terminal;
use crate::verify::{Finding, judge};

/// Fewer do not tell a flaky test.
const UNRESTRICTED: usize = 3;
/// Fewer do not tell whether there is more to see.
const RECORDED: usize = 2;
/// How often what was refused is allowed and all of it tried again.
const ROUNDS: usize = 5;

pub fn harden(args: &HardenArgs) -> anyhow::Result<u8> {
    tokio::runtime::Runtime::new()
        .context("cannot start the I/O threads")?
        .block_on(run(args))
}

async fn run(args: &HardenArgs) -> anyhow::Result<u8> {
    kernel::preflight()?;
    let folder = Folder::make(&args.output)?;
    let bench = Bench::new(args).await?;
    let mut report = Report {
        format: FORMAT,
        version: VERSION,
        incomplete: None,
        image: args.image.as_str().into(),
        image_id: bench.image_facts.id.clone(),
        test: args.test.as_str().into(),
        before: State::of(&args.options, &bench.image_facts.user),
        after: None,
        measures: Vec::new(),
        capabilities: Vec::new(),
        widened: Vec::new(),
        warnings: Vec::new(),
        work: Work::default(),
    };
    let worked = work(args, &bench, &folder, &mut report).await;
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
    match &report.incomplete {
        Some(why) => terminal::say(&format!(
            "not the whole result: {why}; see {}",
            folder.told()
        )),
        None => terminal::say(&format!("wrote {}", folder.told())),
    }
    Ok(code)
}

async fn work(
    args: &HardenArgs,
    bench: &Bench<'_>,
    folder: &Folder,
    report: &mut Report,
) -> anyhow::Result<()> {
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
    folder.recording(&recorded.recording)?;
    let recordings = [recorded.recording];
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
        .until_it_passes(&mut profile, &mut list, report)
        .await?
    {
        return Ok(());
    }
    if let (false, Some(before)) = (args.no_ablate, list.clone()) {
        let seccomp = output::oci(&profile);
        let left = ablate(&before, async |less| {
            bench.attempt(&with_only(&options, less), &seccomp).await
        })
        .await?;
        report.work.ablated = left.trials.try_into().unwrap_or(usize::MAX);
        let is_less = left.list.add != before.add;
        list = Some(left.list);
        // What went one after the other is tried as a whole.
        if is_less
            && !enforced
                .until_it_passes(&mut profile, &mut list, report)
                .await?
        {
            return Ok(());
        }
    }
    report.capabilities = list.iter().flat_map(CapabilityTold::all).collect();
    let image_user = &bench.image_facts.user;
    report.after = Some(State::of(&options, image_user).under(&profile, list.as_ref()));
    let subject = recordings[0].subject.clone();
    folder.formats(args, bench.arguments(), subject, profile, list, &options)
}

/// Runs that all passed, as one.
struct Runs {
    recording: Recording,
    look: Look,
    /// The slowest of them.
    took: Duration,
}

impl Runs {
    /// That its first program could have at most.
    fn capabilities(&self) -> Option<Vec<String>> {
        let names = self.recording.confinement.capabilities.as_ref()?;
        Some(
            names
                .iter()
                .map(|name| crate::capabilities::short(name).to_owned())
                .collect(),
        )
    }
}

/// Refuses a test that fails, one that fails now and then, and one that tests nothing.
async fn record_unrestricted(args: &HardenArgs, bench: &Bench<'_>) -> anyhow::Result<Runs> {
    let mut all: Option<Runs> = None;
    let mut failures = Vec::new();
    let mut runs = 0;
    let mut is_new = true;
    while runs < UNRESTRICTED || (is_new && failures.is_empty() && runs < args.runs.get().into()) {
        runs += 1;
        let recorded = bench.record(&args.options, runs == 1).await?;
        let why = refused(&recorded);
        let told = why.as_deref().unwrap_or("passed");
        terminal::say(&format!("unrestricted run {runs}: {told}"));
        if recorded.passes_without {
            bail!(
                "the test passes against a stopped container too, so it tests nothing: let it ask the container for something (PROFILER_IP, PROFILER_CONTAINER), or see what else answers in its place"
            );
        }
        let Some(why) = why else {
            is_new = take(&mut all, recorded)?;
            continue;
        };
        recorded.quiet.show();
        failures.push(why);
        match recorded.failure {
            // What the engine does not start does not start the next time either.
            Some(error) if runs == 1 && error.is::<EngineError>() => return Err(error),
            _ => {}
        }
    }
    match failures.len() {
        0 => all.context("there was no run"),
        failed => bail!(
            "{failed} of {runs} unrestricted runs did not pass ({}): {}",
            failures[0],
            if failed == runs {
                "a test that never passes does not tell what the container needs; mend it, or give it more time with --timeout"
            } else {
                "the test is flaky, and what fails by itself tells nothing; mend it first"
            }
        ),
    }
}

/// Until nothing new is seen.
async fn record_all(
    bench: &Bench<'_>,
    options: &RunOptions,
    least: usize,
    most: usize,
) -> anyhow::Result<Runs> {
    let mut all: Option<Runs> = None;
    let mut runs = 0;
    let mut is_new = true;
    while runs < least || (is_new && runs < most) {
        runs += 1;
        let recorded = bench.record(options, false).await?;
        if let Some(why) = refused(&recorded) {
            bail!(
                "under the measures the test passed once and then did not ({why}): the test is flaky; mend it first"
            );
        }
        is_new = take(&mut all, recorded)?;
        let told = match (runs, is_new) {
            (1, _) => "passed",
            (_, true) => "passed, and something new was seen",
            (_, false) => "passed, and nothing new was seen",
        };
        terminal::say(&format!("recorded run {runs}: {told}"));
    }
    all.context("there was no run")
}

/// Whether it showed anything that those before it had not.
fn take(all: &mut Option<Runs>, recorded: bench::Recorded) -> anyhow::Result<bool> {
    let bench::Recorded {
        recording,
        look,
        took,
        ..
    } = recorded;
    let Some(runs) = all else {
        *all = Some(Runs {
            recording,
            look,
            took,
        });
        return Ok(true);
    };
    runs.took = runs.took.max(took);
    let before = generated(&runs.recording)?;
    recording::merge(&mut runs.recording, recording)?;
    runs.look = std::mem::take(&mut runs.look).with(look);
    Ok(generated(&runs.recording)? != before)
}

/// All that a recording is for.
fn generated(recording: &Recording) -> anyhow::Result<(Profile, Option<Vec<String>>)> {
    let recordings = std::slice::from_ref(recording);
    let (profile, _) = generator::generate(recordings, generator::Options::default())?;
    let capabilities = generator::capabilities(recordings, None).ok();
    Ok((profile, capabilities.map(|(list, _)| list.add)))
}

/// The result, tried.
struct Enforced<'a> {
    args: &'a HardenArgs,
    bench: &'a Bench<'a>,
    options: &'a RunOptions,
}

impl Enforced<'_> {
    /// What is refused is allowed, and all of it tried again. Whether it passed in the end; the
    /// report says why it did not.
    async fn until_it_passes(
        &self,
        profile: &mut Profile,
        list: &mut Option<CapabilityList>,
        report: &mut Report,
    ) -> anyhow::Result<bool> {
        for _ in 0..ROUNDS {
            let options = match list {
                Some(list) => with_only(self.options, list),
                None => self.options.clone(),
            };
            let seccomp = output::oci(profile);
            let (seen, quiet) = self
                .bench
                .enforce(&options, &seccomp, self.args.starts)
                .await?;
            report.work.starts = seen.starts.len();
            let verdict = judge(profile, list.clone().map(rules).as_ref(), &seen);
            if verdict.passed() {
                terminal::say(&format!("under the result: {verdict}"));
                return Ok(true);
            }
            let mut is_wider = false;
            for finding in &verdict.findings {
                terminal::say(&finding.to_string());
                if widen(finding, profile, list.as_mut()) {
                    report.widened.push(finding.to_string());
                    is_wider = true;
                }
            }
            if !is_wider {
                report.incomplete = Some(why(&verdict.findings, quiet.said()));
                return Ok(false);
            }
        }
        report.incomplete = Some(format!("after {ROUNDS} rounds something was still refused"));
        Ok(false)
    }
}

fn why(findings: &[Finding], said: Option<String>) -> String {
    let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let findings = findings.join("; ");
    let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
    format!("under its own profile it does not pass: {findings}{said}")
}
