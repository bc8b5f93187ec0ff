//! Recordings that are taken together, as one.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct Together {
    /// What `profiler record` or `profiler merge` wrote
    #[arg(value_name = "RECORDING", required = true)]
    pub recordings: Vec<PathBuf>,
    /// In what the recordings may differ
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub allow: Vec<Difference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Difference {
    /// Images by content, run with the same command line
    Image,
    /// Kinds of machine
    Architecture,
    /// Releases of the kernel
    Kernel,
    /// Seccomp filters in force while recording
    Filter,
}
