//! `profiler generate`

use clap::Args;

/// Generate
#[derive(Debug, Args)]
pub struct GenerateArgs {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    Oci,
}
