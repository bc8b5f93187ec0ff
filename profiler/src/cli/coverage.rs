//! `profiler coverage`

use clap::{Args, ValueEnum};

use super::Together;

/// Tell how sure one can be that the next run needs nothing new.
///
/// By the runs of the recordings, taken together as `merge` does: how what is known grew, what is
/// likely still unseen, and how often a run may need a call or a capability that no run so far has
/// needed. Runs that were watched from their birth to their end and passed count. All of it holds
/// for runs of the same kind: of what no test does, no number of runs tells.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CoverageArgs {
    #[command(flatten)]
    pub together: Together,
    /// How to tell it
    #[arg(long, value_enum, default_value_t = CoverageFormat::Text)]
    pub format: CoverageFormat,
    /// Exit code 1 unless at least so many of 100 runs need nothing new, which 59 runs on end
    /// without anything new show for 95; a recording that lost anything is refused then
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub fail_under: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CoverageFormat {
    /// For people
    Text,
    Json,
}

/// No number of runs shows more than 99.9 in our lifetime.
fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(percent) if (0.0..=99.9).contains(&percent) => Ok(percent),
        _ => Err("a number from 0 to 99.9 is wanted".to_owned()),
    }
}

const EXAMPLES: &str = "\
Examples:
  profiler coverage web.recording.json
  profiler coverage monday.json tuesday.json --fail-under 95
  profiler coverage --format json web.recording.json";
