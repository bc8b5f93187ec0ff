//! `profiler verify`

use clap::Args;

/// Verify
#[derive(Debug, Args)]
pub struct VerifyArgs {}
