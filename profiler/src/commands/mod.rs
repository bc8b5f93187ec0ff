//! The verbs: thin, each reads its input, calls the library, and writes what came of it.

mod generate;
mod record;
mod verify;

pub use generate::generate;
pub use record::record;
pub use verify::verify;

use crate::cli::{Cli, Verb};

/// The exit code, or why there is none.
pub fn run(cli: Cli) -> anyhow::Result<u8> {
    match cli.verb {
        Verb::Record(args) => record(args),
        Verb::Generate(args) => generate(&args),
        Verb::Verify(args) => verify(args),
    }
}

/// Input that a verdict verb cannot judge: its own exit code, 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(pub String);

/// 125 for our own failures, as `docker run` has it; 2 for a verdict verb's broken input.
pub fn failure_code(failure: &anyhow::Error) -> u8 {
    if failure.is::<BadInput>() { 2 } else { 125 }
}
