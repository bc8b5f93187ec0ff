//! What was typed, as the generator has it.

use crate::cli::{ArgumentLevel, DefaultAction, GenerateArgs};
use crate::commands::BadInput;
use crate::generator::{ArgumentRules, Base, Floor, Options, Refusal};
use crate::profile;

/// `--base`
pub(super) fn base(args: &GenerateArgs) -> Result<Option<Base>, BadInput> {
    let Some(path) = &args.policy.base else {
        return Ok(None);
    };
    let file = profile::read_whole(path).map_err(|error| BadInput(error.to_string()))?;
    let name = path.display().to_string();
    let base = Base::new(name, file.profile).map_err(|error| BadInput(error.to_string()))?;
    Ok(Some(base))
}

pub(super) fn options<'a>(
    args: &GenerateArgs,
    base: Option<&'a Base>,
) -> anyhow::Result<Options<'a>> {
    Ok(Options {
        floor: args.runtime.as_deref().map(Floor::named).transpose()?,
        arguments: match args.policy.args {
            ArgumentLevel::Off => ArgumentRules::Off,
            ArgumentLevel::Safe => ArgumentRules::Safe,
            ArgumentLevel::All => ArgumentRules::All,
        },
        refusal: refusal(args),
        base,
    })
}

fn refusal(args: &GenerateArgs) -> Option<Refusal> {
    if args.policy.log {
        return Some(Refusal::LogAll);
    }
    args.policy.default_action.map(|action| match action {
        DefaultAction::Errno => Refusal::Errno,
        DefaultAction::Kill => Refusal::Kill,
        DefaultAction::Log => Refusal::Log,
        DefaultAction::Trap => Refusal::Trap,
    })
}
