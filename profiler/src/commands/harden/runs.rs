//! The container recorded until nothing new is seen: unrestricted, and under the measures.

use std::time::Duration;

use anyhow::{Context as _, bail};

use super::bench::Bench;
use super::recorded::{Failed, Recorded};
use crate::cli::{HardenArgs, RunOptions};
use crate::generator;
use crate::harden::Look;
use crate::profile::Profile;
use crate::recording::{self, Recording};
use crate::target::engine::EngineError;
use crate::terminal;
use crate::words::list;

/// Fewer do not tell a flaky test.
const UNRESTRICTED: usize = 3;

/// Runs that all passed, as one.
pub(super) struct Runs {
    pub(super) recording: Recording,
    pub(super) look: Look,
    /// The slowest of them.
    pub(super) took: Duration,
}

impl Runs {
    /// That its first program could have at most.
    pub(super) fn capabilities(&self) -> Option<Vec<String>> {
        let names = self.recording.confinement.capabilities.as_ref()?;
        Some(
            names
                .iter()
                .map(|name| crate::capabilities::short(name).to_owned())
                .collect(),
        )
    }
}

/// Refuses a test that tests nothing, one that fails, and one that fails now and then.
pub(super) async fn record_unrestricted(
    args: &HardenArgs,
    bench: &Bench<'_>,
) -> anyhow::Result<Runs> {
    if bench.passes_without().await? {
        bail!(
            "the test passes though the container does not run, so it tests nothing: let it ask the container for something (PROFILER_IP, PROFILER_CONTAINER), or see what else answers in its place"
        );
    }
    let mut all: Option<Runs> = None;
    let mut failures = Vec::new();
    let mut runs = 0;
    let mut is_new = true;
    while runs < UNRESTRICTED || (is_new && failures.is_empty() && runs < args.runs.get().into()) {
        runs += 1;
        let mut recorded = bench.record(&args.options).await?;
        // What the engine does not start does not start the next time either.
        let is_hopeless = |failed: &mut Failed| runs == 1 && failed.error.is::<EngineError>();
        if let Some(Failed { error, quiet }) = recorded.failed.take_if(is_hopeless) {
            quiet.show();
            return Err(error);
        }
        let told = recorded.refused.as_deref().unwrap_or("passed");
        terminal::say(&format!("unrestricted run {runs}: {told}"));
        let Some(why) = recorded.refused else {
            is_new = take(&mut all, recorded)?;
            continue;
        };
        failures.push(why);
        if let Some(failed) = recorded.failed {
            failed.quiet.show();
        }
    }
    let failed = failures.len();
    if failed == 0 {
        return all.context("there was no run");
    }
    // Nobody goes on from here: the next time it is to be asked again.
    bench.progress.finish()?;
    let without = args.today.words();
    bail!(
        "{failed} of {runs} unrestricted runs{} did not pass ({}): {}",
        if without.is_empty() {
            String::new()
        } else {
            format!(", without {},", list(without))
        },
        failures[0],
        if failed == runs {
            "a test that never passes does not tell what the container needs; mend it, or give it more time with --timeout"
        } else {
            "the test is flaky, and what fails by itself tells nothing; mend it first"
        }
    )
}

/// Until nothing new is seen.
pub(super) async fn record_all(
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
        let recorded = bench.record(options).await?;
        if let Some(why) = recorded.refused {
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
fn take(all: &mut Option<Runs>, recorded: Recorded) -> anyhow::Result<bool> {
    let Recorded {
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
