//! How sure one can be that the next run needs nothing new, for people and for machines.

mod again;
mod text;

pub use text::text;

use schemars::JsonSchema;
use serde::Serialize;

use crate::coverage::{CONFIDENCE, Coverage, Discovery, chance_at_most, clean_runs_for};
use crate::recording::{Phase, Recording, Subject};

const FORMAT: &str = "profiler.coverage";
const VERSION: u32 = 1;

/// What `profiler coverage --format json` writes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    /// Always `profiler.coverage`.
    format: &'static str,
    version: u32,
    subject: &'a Subject,
    runs: Runs,
    /// For people; `null`: nothing was lost.
    lost: Option<String>,
    /// How many runs on end, of those that count, needed nothing that was not known before.
    clean_runs: u32,
    /// The chance, from 0 to 1, that the next run needs a call or a capability that is not known:
    /// no larger than this.
    pub chance_at_most: f64,
    /// So often a bound that is found so holds.
    confidence: f64,
    calls: Told<'a>,
    /// The calls again, by whose they were.
    phases: Vec<ToldPhase<'a>>,
    /// `null`: in at least one run they were not observed.
    capabilities: Option<Told<'a>>,
    /// What to do for a better figure; `null`: it is good enough, or the subject is a
    /// cgroup, which is there before it is recorded.
    next: Option<Next>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Runs {
    recorded: usize,
    /// Those that were watched from their birth to their end, and passed.
    counted: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ToldPhase<'a> {
    phase: Phase,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Told<'a> {
    /// How many are known.
    known: u32,
    /// How many of them are known by one run alone, of those that count.
    once: u32,
    /// How many new ones the next run shows on average, as Good and Turing estimate it; `null`
    /// without a run that counts.
    new_in_next_run: Option<f64>,
    /// About how many are still unseen, as Chao's second estimator has it: too many where those that
    /// come together were seen once. `null` without two runs that count.
    unseen: Option<f64>,
    clean_runs: u32,
    chance_at_most: f64,
    /// How many 1, 2, … all of the runs that count show on average, whichever they are.
    curve: &'a [f64],
    /// Each run that showed something new, in the order of the runs.
    news: Vec<News<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct News<'a> {
    run: u32,
    names: &'a [String],
}

#[derive(Debug, Serialize, JsonSchema)]
struct Next {
    chance_at_most: f64,
    /// How many more runs that need nothing new make it so.
    clean_runs: u32,
    /// What records one more, as a shell reads it.
    command: String,
}

/// What to come to where nothing is asked for.
const GOOD: [f64; 2] = [0.05, 0.01];

impl<'a> Report<'a> {
    /// `wanted`: a chance that is small enough.
    pub fn new(recording: &'a Recording, coverage: &'a Coverage, wanted: Option<f64>) -> Self {
        let clean_runs = coverage.clean_runs();
        let chance = chance_at_most(clean_runs);
        let mut goals = wanted.into_iter().chain(GOOD);
        Self {
            format: FORMAT,
            version: VERSION,
            subject: &recording.subject,
            runs: Runs {
                recorded: recording.runs.len(),
                counted: coverage.counted_runs,
            },
            lost: recording.losses.in_words(),
            clean_runs,
            chance_at_most: chance,
            confidence: CONFIDENCE,
            calls: told(&coverage.calls),
            phases: coverage
                .phases
                .iter()
                .map(|(phase, discovery)| ToldPhase {
                    phase: *phase,
                    told: told(discovery),
                })
                .collect(),
            capabilities: coverage.capabilities.as_ref().map(told),
            next: goals.find(|&goal| chance > goal).and_then(|goal| {
                Some(Next {
                    chance_at_most: goal,
                    clean_runs: clean_runs_for(goal) - clean_runs,
                    command: again::command(&recording.subject)?,
                })
            }),
        }
    }
}

fn told(discovery: &Discovery) -> Told<'_> {
    Told {
        known: discovery.known,
        once: discovery.once,
        new_in_next_run: discovery.new_in_next,
        unseen: discovery.unseen,
        clean_runs: discovery.clean_runs,
        chance_at_most: chance_at_most(discovery.clean_runs),
        curve: &discovery.curve,
        news: discovery
            .news
            .iter()
            .map(|news| News {
                run: news.run,
                names: &news.names,
            })
            .collect(),
    }
}

/// The published schema is `schema/coverage.v1.schema.json`.
pub fn json(report: &Report<'_>) -> String {
    super::text::json(report)
}

#[cfg(test)]
mod tests {
    use super::{Report, VERSION};
    use crate::schema::{check, of_output};

    #[test]
    fn the_published_schema_is_current() {
        check("coverage", VERSION, &of_output::<Report<'_>>());
    }
}
