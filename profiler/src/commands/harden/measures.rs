//! Which measures the test passes with: all at once first, one after the other where that fails.

use super::bench::Bench;
use crate::cli::RunOptions;
use crate::harden::{Measure, Tried, Way};
use crate::terminal;

/// The options with all that is kept; how many runs it took.
pub(super) async fn try_all(
    bench: &Bench<'_>,
    given: &RunOptions,
    measures: &mut [Measure],
) -> anyhow::Result<(RunOptions, usize)> {
    let is_first = |measure: &Measure| measure.ways.first().is_some_and(Way::is_internal);
    provide_network(bench, measures, is_first).await;
    let first = |options: RunOptions, measure: &Measure| match measure.ways.first() {
        Some(way) => way.added_to(&options),
        None => options,
    };
    let all = measures.iter().fold(given.clone(), first);
    if all == *given {
        return Ok((all, 0));
    }
    let Some(why) = bench.record(&all).await?.refused else {
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
    let is_any = |measure: &Measure| measure.ways.iter().any(Way::is_internal);
    provide_network(bench, measures, is_any).await;
    let (mut options, mut runs) = (given.clone(), 1);
    for measure in measures {
        let mut refusals = Vec::new();
        let mut kept = None;
        for (place, way) in measure.ways.iter().enumerate() {
            let with = way.added_to(&options);
            runs += 1;
            let refused = bench.record(&with).await?.refused;
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

/// An engine that makes no such network takes one measure away, and no more.
async fn provide_network(
    bench: &Bench<'_>,
    measures: &mut [Measure],
    wants: impl Fn(&Measure) -> bool,
) {
    for measure in measures.iter_mut().filter(|measure| wants(measure)) {
        if let Err(error) = bench.internal_network().await {
            measure.give_up_internal(&error.to_string());
        }
    }
}
