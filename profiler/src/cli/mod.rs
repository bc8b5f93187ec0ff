//! What can be typed: clap's types, one file a verb. Nothing is done here.

mod coverage;
mod diff;
mod explain;
mod floor;
mod generate;
mod harden;
mod lint;
mod merge;
mod record;
mod run_options;
mod schema;
mod together;
mod verify;

pub use coverage::{CoverageArgs, CoverageFormat};
pub use diff::{DiffArgs, DiffFailOn, DiffFormat};
pub use explain::ExplainArgs;
pub use floor::FloorArgs;
pub use generate::{
    Architecture, ArgumentLevel, DefaultAction, GenerateArgs, NoNewPrivileges, OutputFormat,
    Policy, PortableKind, Start,
};
pub use harden::HardenArgs;
pub use lint::{FailOn, FindingFormat, LintArgs};
pub use merge::MergeArgs;
pub use record::{LeftoverRule, Others, RecordArgs, Trust};
pub use run_options::RunOptions;
pub use schema::SchemaArgs;
pub use together::{Difference, Together};
pub use verify::VerifyArgs;

use clap::{Parser, Subcommand};

/// Record what a container asks of the kernel; write the least that lets it pass; prove it.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    Record(RecordArgs),
    Generate(GenerateArgs),
    Explain(ExplainArgs),
    Merge(MergeArgs),
    Coverage(CoverageArgs),
    Verify(VerifyArgs),
    Harden(HardenArgs),
    Diff(DiffArgs),
    Lint(LintArgs),
    Floor(FloorArgs),
    Schema(SchemaArgs),
}

/// Exit code for a command line that cannot be parsed: verbs that judge or read files say 2; the
/// others leave their codes to the command that they run and say 125, as `docker run` does.
pub fn usage_code() -> u8 {
    match std::env::args().nth(1).as_deref() {
        Some(
            "coverage" | "diff" | "explain" | "generate" | "lint" | "merge" | "schema" | "verify",
        ) => 2,
        _ => 125,
    }
}
