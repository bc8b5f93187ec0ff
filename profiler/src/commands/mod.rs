//! The verbs: thin, each reads its input, calls the library, and writes what came of it.

mod generate;
mod record;
mod verify;

pub use generate::generate;
pub use record::record;
pub use verify::verify;

use crate::target::command::CommandError;
use crate::target::engine::EngineError;

/// Input that a verdict verb cannot judge: its own exit code, 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(pub String);

/// 125 for our own failures, 126 and 127 for what cannot be started, as `docker run` has it; 2 for
/// a verdict verb's broken input.
pub fn failure_code(failure: &anyhow::Error) -> u8 {
    if failure.is::<BadInput>() {
        2
    } else if let Some(error) = failure.downcast_ref::<CommandError>() {
        error.exit_code()
    } else if let Some(error) = failure.downcast_ref::<EngineError>() {
        error.exit_code()
    } else {
        125
    }
}
