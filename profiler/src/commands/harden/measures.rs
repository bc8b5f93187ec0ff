//! Which measures the test passes with: all at once first, one after the other where that fails.

use super::bench::{Bench, Recorded};
use crate::cli::RunOptions;
use crate::commands::one_line;
use crate::harden::{Measure, Tried};
use crate::target::engine::EngineError;
use crate::terminal;

/// The options with all that is kept; how many runs it took.
pub(super) async fn try_all(
    bench: &Bench<'_>,
    given: &RunOptions,
    measures: &mut [Measure],
) -> anyhow::Result<(RunOptions, usize)> {
    let first = |options: RunOptions, measure: &Measure| match measure.ways.first() {
        Some(way) => way.added_to(&options),
        None => options,
    };
    let all = measures.iter().fold(given.clone(), first);
    if all == *given {
        return Ok((all, 0));
    }
    let Some(why) = refused(&bench.record(&all).await?) else {
        for measure in measures
            .iter_mut()
            .filter(|measure| !measure.ways.is_empty())
        {
            let refused = Vec::new();
            measure.tried = Tried::Kept { way: 0, refused };
        }
        terminal::say("all measures: passed");
        return Ok((all, 1));
    };
    terminal::say(&format!(
        "all measures at once: {why}; now one after the other"
    ));
    let (mut options, mut runs) = (given.clone(), 1);
    for measure in measures {
        let mut refusals = Vec::new();
        let mut kept = None;
        for (place, way) in measure.ways.iter().enumerate() {
            let with = way.added_to(&options);
            runs += 1;
            let refused = refused(&bench.record(&with).await?);
            let told = refused.as_deref().unwrap_or("passed");
            terminal::say(&format!("{}: {told}", way.words()));
            let Some(why) = refused else {
                kept = Some((place, with));
                break;
            };
            refusals.push(why);
        }
        measure.tried = match kept {
            Some((way, with)) => {
                options = with;
                let refused = refusals;
                Tried::Kept { way, refused }
            }
            None if refusals.is_empty() => Tried::Not,
            None => Tried::Refused(refusals),
        };
    }
    Ok((options, runs))
}

/// Why it did not pass, with the last that was said.
pub(super) fn refused(recorded: &Recorded) -> Option<String> {
    let failure = recorded.failure.as_ref()?;
    // Not by its name, which is ours, and its log is not above.
    let why = match failure.downcast_ref() {
        Some(EngineError::EndedEarly { exit, .. }) => {
            format!("the container ended before it was ready, with {exit}")
        }
        Some(EngineError::Unhealthy { log, .. }) => format!("the container is unhealthy: {log}"),
        _ => one_line(failure),
    };
    Some(match recorded.quiet.said() {
        Some(said) => format!("{why} ({said})"),
        None => why,
    })
}
