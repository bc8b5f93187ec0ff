//! `profiler generate`

use std::path::PathBuf;

use clap::Args;

/// Write the profile, or the capabilities, with which what was recorded passes again.
///
/// The result goes to stdout or to FILE, warnings to stderr.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GenerateArgs {
    /// What `profiler record` wrote; several of one subject are taken together
    #[arg(value_name = "RECORDING", required = true)]
    pub recordings: Vec<PathBuf>,
    /// Write to FILE, whole or not at all
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = OutputFormat::Oci)]
    pub format: OutputFormat,
    /// For recordings that began too late to see what the container runtime calls behind the
    /// filter: what was measured of a version of it, as in runc-1.1.5
    #[arg(long, value_name = "NAME")]
    pub runtime: Option<String>,
    /// Where the profile will lie, for `--format docker-run`
    #[arg(long, value_name = "FILE", default_value = "profile.json")]
    pub profile: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// The seccomp profile, as Docker and Podman load it
    Oci,
    /// The capabilities to keep, with evidence, as JSON
    Capabilities,
    /// Options for `docker run`, on one line
    DockerRun,
}

const EXAMPLES: &str = "\
Examples:
  profiler generate nginx.recording.json -o profile.json
  profiler generate nginx.recording.json --format capabilities -o capabilities.json
  docker run $(profiler generate nginx.recording.json --format docker-run) nginx";
