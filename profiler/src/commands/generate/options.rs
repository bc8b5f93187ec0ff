//! What was typed, as the generator has it.

use crate::cli::{ArgumentLevel, GenerateArgs};
use crate::generator::{ArgumentRules, Floor, Options};

pub(super) fn options(args: &GenerateArgs) -> anyhow::Result<Options> {
    Ok(Options {
        floor: args.runtime.as_deref().map(Floor::named).transpose()?,
        arguments: match args.policy.args {
            ArgumentLevel::Off => ArgumentRules::Off,
            ArgumentLevel::Safe => ArgumentRules::Safe,
            ArgumentLevel::All => ArgumentRules::All,
        },
    })
}
