//! Recordings that are taken together, as one.

use anyhow::Context as _;

use crate::cli::{self, Together};
use crate::recording::{self, Difference, Recording};

pub(super) struct Whole {
    pub(super) recording: Recording,
    /// Of all recordings: those that stand in several of them as often.
    pub(super) runs: usize,
}

pub(super) fn read(args: &Together) -> anyhow::Result<Whole> {
    let paths = args.recordings.iter();
    let recordings: Vec<Recording> = paths
        .map(|path| recording::read(path))
        .collect::<Result<_, _>>()?;
    let runs = recordings
        .iter()
        .map(|recording| recording.runs.len())
        .sum();
    let meant: Vec<Difference> = args.allow.iter().copied().map(meant).collect();
    let recording = recording::merge_all(recordings, &meant)?.context("name a recording")?;
    Ok(Whole { recording, runs })
}

fn meant(difference: cli::Difference) -> Difference {
    match difference {
        cli::Difference::Image => Difference::Image,
        cli::Difference::Architecture => Difference::Architecture,
        cli::Difference::Kernel => Difference::Kernel,
        cli::Difference::Filter => Difference::Filter,
    }
}
