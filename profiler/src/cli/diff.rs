//! `profiler diff`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Tell what NEW allows that OLD did not, and the other way round.
///
/// By what they mean: a profile that is written differently and answers every call the same is no
/// difference. OLD and NEW are profiles (docker-default is Docker's own), recordings, which stand
/// for what `generate` makes of them and tell who asked, or capability lists, in any pairing that
/// has something in common. Exit code 0 where nothing differs, 1 where something does (see
/// --fail-on), 2 where they cannot be compared.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// A profile, docker-default, a recording, or a capability list
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// What came of it
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// What makes the exit code 1
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = DiffFailOn::Changed)]
    pub fail_on: DiffFailOn,
    /// How to tell it
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
    /// For rules on conditions: what the container has besides Docker's default capabilities, or
    /// ALL [default: with a recording those that it keeps]
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_add: Vec<String>,
    /// For rules on conditions: what the container lacks of them, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_drop: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFailOn {
    /// NEW allows something that OLD did not
    Widened,
    /// Anything differs
    Changed,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// A line a change, for people
    Text,
    /// For a comment on a pull request
    Markdown,
    Json,
    /// For code hosts, which show it beside the line
    Sarif,
}

const EXAMPLES: &str = "\
Examples:
  profiler diff old.json new.json --fail-on widened
  profiler diff nginx-1.22.recording.json nginx-1.26.recording.json
  profiler diff docker-default nginx.recording.json
  profiler diff old.json new.json --format markdown > comment.md";
