//! `profiler lint`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Find what is wrong in seccomp profiles: each finding with its place, what it means and what mends
/// it.
///
/// Files alone: no root, no engine, no kernel is asked. Exit code 0 where nothing was found, 1 where
/// something was (see --fail-on), 2 where a file cannot be judged.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LintArgs {
    /// Seccomp profiles, as Docker, Podman or the OCI specification have them; docker-default is
    /// Docker's own
    #[arg(value_name = "PROFILE", required_unless_present = "rules")]
    pub profiles: Vec<PathBuf>,
    /// Mend in place what takes no decision, and tell what is left
    #[arg(long)]
    pub fix: bool,
    /// How to tell it
    #[arg(long, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
    /// The mildest finding that makes the exit code 1
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Warning)]
    pub fail_on: FailOn,
    /// What the profile will be loaded with, as in 2.5.4: find names that it does not know
    #[arg(long, value_name = "VERSION")]
    pub libseccomp: Option<String>,
    /// Do not find this; may be given several times
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<String>,
    /// Tell what is looked for, and nothing else
    #[arg(long, conflicts_with_all = ["profiles", "fix", "libseccomp", "allow"])]
    pub rules: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FindingFormat {
    /// A line each, for people
    Text,
    Json,
    /// For code hosts, which show it beside the line
    Sarif,
    /// For a comment on a pull request
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

const EXAMPLES: &str = "\
Examples:
  profiler lint profile.json
  profiler lint --fix profile.json
  profiler lint --libseccomp 2.5.4 --allow abi-unsaid profiles/*.json
  profiler lint --format sarif profile.json > lint.sarif";
