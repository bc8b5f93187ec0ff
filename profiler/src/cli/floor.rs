//! `profiler floor`

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

/// Measure what the container runtime that is here calls behind the filter, before the first program.
///
/// Containers of an image of our own, whose program ends at once, are started in all ways that make a
/// difference, while all processors are busy, until nothing new is seen. `generate --runtime` takes
/// what is written where a recording began too late to see it, or was made in the other mode.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FloorArgs {
    /// Write to FILE, whole or not at all
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Enough is seen when so many starts, with no-new-privileges and without, have shown nothing new.
    /// What one start in 60 calls is missed by 300 in one measurement of 150
    #[arg(long, value_name = "STARTS", default_value = "300")]
    pub settle: NonZeroUsize,
}

const EXAMPLES: &str = "\
Examples:
  profiler floor -o here.floor.json
  profiler generate web.recording.json --runtime ./here.floor.json -o profile.json";
