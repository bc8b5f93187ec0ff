//! `profiler record`

use clap::Args;

/// Record
#[derive(Debug, Args)]
pub struct RecordArgs {}
