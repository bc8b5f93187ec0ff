//! `profiler explain`

use std::path::PathBuf;

use clap::Args;

/// Tell who asked for what: each call and capability with the programs that used it, when first,
/// and in how many runs.
///
/// Told apart are what the container runtime did before the first program, the workload, and each
/// program that was run in the container later (docker exec, health checks). A call that the filter
/// refused was tried, not used.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// What `profiler record` wrote
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,
    /// Only these calls and capabilities; capabilities with or without CAP_, all in any case
    #[arg(value_name = "NAME", allow_negative_numbers = true)]
    pub names: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  profiler explain nginx.recording.json
  profiler explain nginx.recording.json connect net_bind_service";
