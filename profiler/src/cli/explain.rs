//! `profiler explain`

use std::path::PathBuf;

use clap::Args;

/// Tell who asked for what: each call and capability with the programs that used it, when first,
/// and in how many runs.
///
/// Told apart are what the container runtime did before the first program, the workload, and each
/// program that was run in the container later (docker exec, health checks). A call that the filter
/// refused was tried, not used. Each capability is told with the decision to keep or drop it, why, and
/// what a refusal of each check would do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// What `profiler record` wrote
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,
    /// Only these calls and capabilities; capabilities with or without CAP_, all in any case
    #[arg(value_name = "NAME", allow_negative_numbers = true)]
    pub names: Vec<String>,
    /// Tell what this list keeps and drops, and how that was confirmed (`verify --ablate -o`);
    /// without it, what the recording alone makes keep and drop
    #[arg(long, value_name = "LIST")]
    pub capabilities: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  profiler explain nginx.recording.json
  profiler explain nginx.recording.json connect net_bind_service
  profiler explain nginx.recording.json --capabilities ablated.json";
