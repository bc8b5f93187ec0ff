//! What was typed, as the generator has it.

use std::path::Path;

use crate::capabilities::CapabilityList;
use crate::cli::{
    Architecture, ArgumentLevel, DefaultAction, GenerateArgs, NoNewPrivileges, PortableKind,
};
use crate::commands::BadInput;
use crate::file::{self, Limit};
use crate::generator::{ArgumentRules, Base, Floor, FloorFile, Kind, Options, Portable, Refusal};
use crate::profile::{self, Container};
use crate::recording::Recording;

/// `--base`, as it holds for a container with the capabilities that are kept.
pub(super) fn base(
    args: &GenerateArgs,
    capabilities: Option<&CapabilityList>,
    recordings: &[Recording],
) -> Result<Option<Base>, BadInput> {
    let Some(path) = &args.policy.base else {
        return Ok(None);
    };
    let container = match capabilities {
        Some(list) => {
            Container::with(&list.add, &list.drop).map_err(|error| BadInput(error.to_string()))?
        }
        None => Container::default(),
    };
    let container = container.on(&recordings[0].host.kernel);
    let file =
        profile::read_whole(path, &container).map_err(|error| BadInput(error.to_string()))?;
    let name = path.display().to_string();
    let base = Base::new(name, file.profile).map_err(|error| BadInput(error.to_string()))?;
    Ok(Some(base))
}

/// `--runtime`: a file is told from a name by its folder.
pub(super) fn floor(args: &GenerateArgs) -> anyhow::Result<Option<Floor>> {
    let Some(runtime) = args.start.runtime.as_deref() else {
        return Ok(None);
    };
    if !runtime.contains('/') {
        return Ok(Some(Floor::named(runtime)?));
    }
    let bytes = file::read(Path::new(runtime), Limit::FLOOR);
    let bytes = bytes.map_err(|error| BadInput(error.to_string()))?;
    let measured = FloorFile::parse(&bytes).map_err(|cause| {
        BadInput(format!(
            "{runtime} is no measured runtime: {cause}; `profiler floor -o FILE` writes one"
        ))
    })?;
    Ok(Some(Floor::of(runtime.to_owned(), measured)))
}

/// `--portable` and `--arch`
pub(super) struct Elsewhere {
    kinds: Vec<Kind>,
    architectures: Vec<String>,
}

impl Elsewhere {
    pub(super) fn new(args: &GenerateArgs) -> Self {
        let kinds = args.policy.portable.iter().map(|kind| match kind {
            PortableKind::Libc => Kind::Libc,
            PortableKind::Kernel => Kind::Kernel,
            PortableKind::Arch => Kind::Arch,
        });
        let architectures = args
            .policy
            .arch
            .iter()
            .map(|architecture| match architecture {
                Architecture::X86_64 => "SCMP_ARCH_X86_64",
                Architecture::X86 => "SCMP_ARCH_X86",
                Architecture::X32 => "SCMP_ARCH_X32",
                Architecture::Aarch64 => "SCMP_ARCH_AARCH64",
                Architecture::Arm => "SCMP_ARCH_ARM",
                Architecture::Ppc64le => "SCMP_ARCH_PPC64LE",
                Architecture::Riscv64 => "SCMP_ARCH_RISCV64",
            });
        Self {
            kinds: kinds.collect(),
            architectures: architectures.map(str::to_owned).collect(),
        }
    }
}

pub(super) fn options<'a>(
    args: &GenerateArgs,
    base: Option<&'a Base>,
    floor: Option<&'a Floor>,
    elsewhere: &'a Elsewhere,
) -> Options<'a> {
    Options {
        floor,
        no_new_privileges: no_new_privileges(args),
        init: args.start.init,
        arguments: match args.policy.args {
            ArgumentLevel::Off => ArgumentRules::Off,
            ArgumentLevel::Safe => ArgumentRules::Safe,
            ArgumentLevel::All => ArgumentRules::All,
        },
        refusal: refusal(args),
        base,
        portable: Portable {
            kinds: &elsewhere.kinds,
            architectures: &elsewhere.architectures,
        },
    }
}

/// `None`: as recorded.
pub(super) fn no_new_privileges(args: &GenerateArgs) -> Option<bool> {
    match args.start.no_new_privileges {
        NoNewPrivileges::AsRecorded => None,
        NoNewPrivileges::On => Some(true),
        NoNewPrivileges::Off => Some(false),
    }
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
