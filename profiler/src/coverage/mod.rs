//! How sure one can be that the next run needs nothing new: which runs showed what, and what that
//! tells of the next.
//!
//! Pure: a recording in, figures out. It knows runs and names only. What the arguments of a call
//! will be, and what a path of the program that no run took will need, no count of runs tells.

mod incidence;
#[cfg(test)]
mod simulation;
mod statistics;

pub use statistics::{CONFIDENCE, chance_at_most, clean_runs_for};

use std::collections::BTreeSet;

use crate::recording::{Phase, Recording, Run};
use incidence::Things;
use statistics::Frequencies;

#[derive(Clone, Debug)]
pub struct Coverage {
    /// Of all runs, those that count: watched from their birth to their end, and passed. What the
    /// others showed is known all the same.
    pub counted_runs: u32,
    pub calls: Discovery,
    /// Those that there are.
    pub phases: Vec<(Phase, Discovery)>,
    /// `None`: in at least one run they were not observed.
    pub capabilities: Option<Discovery>,
}

impl Coverage {
    /// How many runs on end needed neither a call nor a capability that was not known before.
    pub fn clean_runs(&self) -> u32 {
        let of_capabilities = self.capabilities.as_ref().map(|found| found.clean_runs);
        of_capabilities.map_or(self.calls.clean_runs, |runs| {
            runs.min(self.calls.clean_runs)
        })
    }
}

/// How things of one kind (the calls, those of a phase, the capabilities) became known.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// By all runs.
    pub known: u32,
    /// Known by one of the runs that count, and by none of the others of them.
    pub once: u32,
    /// How many 1, 2, … all of the runs that count show on average, whichever they are.
    pub curve: Vec<f64>,
    /// How many new ones the next run shows on average; `None` without a run that counts.
    pub new_in_next: Option<f64>,
    /// About how many are still unseen; `None` without two runs that count.
    pub unseen: Option<f64>,
    /// How many runs that count came after the last that showed something new.
    pub clean_runs: u32,
    /// Each run that showed something new, and what; in their order.
    pub news: Vec<News>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Its id.
    pub run: u32,
    /// Sorted.
    pub names: Vec<String>,
}

/// Of runs as they stand in the recording, the earliest first.
pub fn coverage(recording: &Recording) -> Coverage {
    let runs = &recording.runs;
    let phases = [Phase::Runtime, Phase::Workload, Phase::Exec];
    let of_phases = phases.map(|phase| (phase, incidence::calls(recording, |p| p == phase)));
    let has_some = |(_, things): &(Phase, Things)| !things.is_empty();
    let capabilities = incidence::capabilities(recording);
    Coverage {
        counted_runs: runs.iter().filter(|run| counts(run)).map(|_| 1).sum(),
        calls: discovery(runs, &incidence::calls(recording, |_| true)),
        phases: of_phases
            .into_iter()
            .filter(has_some)
            .map(|(phase, things)| (phase, discovery(runs, &things)))
            .collect(),
        capabilities: capabilities.map(|things| discovery(runs, &things)),
    }
}

/// One that was watched in part, or did not come to its end, had less time to need something.
fn counts(run: &Run) -> bool {
    run.from_birth && run.to_end && run.outcome.passed
}

fn discovery(runs: &[Run], things: &Things) -> Discovery {
    let counted: BTreeSet<u32> = runs
        .iter()
        .filter(|run| counts(run))
        .map(|r| r.id)
        .collect();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let seen_in = things
        .values()
        .map(|runs| runs.intersection(&counted).count());
    let frequencies = Frequencies::new(number(counted.len()), seen_in.map(number));

    let mut known: BTreeSet<&str> = BTreeSet::new();
    let (mut clean_runs, mut news) = (0, Vec::new());
    for run in runs {
        let shown = things.iter().filter(|(_, runs)| runs.contains(&run.id));
        let new = shown.map(|(name, _)| name.as_str());
        let new: Vec<&str> = new.filter(|name| known.insert(name)).collect();
        if !new.is_empty() {
            clean_runs = 0;
            news.push(News {
                run: run.id,
                names: new.into_iter().map(str::to_owned).collect(),
            });
        } else if counts(run) {
            clean_runs += 1;
        }
    }
    Discovery {
        known: number(things.len()),
        once: frequencies.seen_in(1),
        curve: frequencies.curve(),
        new_in_next: frequencies.new_in_next(),
        unseen: frequencies.unseen(),
        clean_runs,
        news,
    }
}

#[cfg(test)]
mod tests;
