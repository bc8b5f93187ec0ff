//! `profiler merge`

use std::path::PathBuf;

use clap::Args;

use super::Together;

/// Unite recordings of one subject: all their runs, with who asked for what in which.
///
/// The order of the files is immaterial, and a run that stands in several of them is taken once. So a
/// recording can be merged into what earlier ones gave, however often. Images, architectures, kernels
/// and filters that differ are refused unless --allow says that it is meant: what was seen of one may
/// not hold for the other.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MergeArgs {
    /// Write to FILE, whole or not at all; it may be one of the recordings
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub together: Together,
}

const EXAMPLES: &str = "\
Examples:
  profiler merge monday.json tuesday.json -o web.recording.json
  profiler merge web.recording.json new.json -o web.recording.json
  profiler merge debian12.json debian13.json --allow kernel -o web.recording.json";
