//! `profiler verify PROFILE -- CMD…`: no engine needed.

use std::path::Path;

use super::observations;
use crate::cli::VerifyArgs;
use crate::commands::BadInput;
use crate::kernel::{Boundary, Capacity, Observer, Watch, kernel_release};
use crate::profile::compile::{CompileError, Compiled, compile};
use crate::profile::{Container, Profile, read_whole};
use crate::target::cgroup::{Hierarchies, ScopeCgroup};
use crate::target::command::{CommandError, CommandSpec, Leftovers, run};
use crate::target::{Interrupts, Session};
use crate::verify::{Verdict, judge};

pub(super) async fn verify(args: &VerifyArgs) -> anyhow::Result<Verdict> {
    let container = Container::default().on(&kernel_release());
    let profile = read_whole(&args.profile, &container)
        .map_err(|error| BadInput(error.to_string()))?
        .profile;
    let compiled = program(&args.profile, &profile)?;
    // Before there is anything to leave behind.
    let interrupts = Interrupts::of_this_process()?;
    let session = Session::new();
    let cgroup = ScopeCgroup::below_own(&Hierarchies::find()?, &session.name(1))?;
    let mut observer = Observer::load(Watch {
        denials: true,
        capacity: Capacity::Few,
    })?;
    let scope = observer.watch(cgroup.id(), Boundary::Filter)?;
    let spec = CommandSpec {
        argv: &args.command,
        filter: &compiled.program,
        cgroup: cgroup.path(),
        no_new_privileges: false,
        leftovers: Leftovers::default(),
    };
    let exit_code = match run(spec, &interrupts).await {
        Ok(outcome) => outcome.exit_code,
        // The profile's doing, and among its denials.
        Err(error @ CommandError::Refused { .. }) => {
            eprintln!("profiler: {error}");
            error.exit_code().into()
        }
        Err(error) => return Err(error.into()),
    };
    let mut seen = observations(&observer, scope)?;
    seen.exit_code = Some(exit_code);
    cgroup.remove()?;
    Ok(judge(&profile, None, &seen))
}

fn program(path: &Path, profile: &Profile) -> anyhow::Result<Compiled> {
    let compiled = compile(profile).map_err(|error| match error {
        CompileError::Library(_) | CompileError::Export(_) => anyhow::Error::from(error),
        _ => BadInput(format!("{}: {error}", path.display())).into(),
    })?;
    if !compiled.unknown.is_empty() {
        eprintln!(
            "profiler: warning: libseccomp {} does not know {}: no rule was made for what it does not know",
            compiled.library_version,
            compiled.unknown.join(", ")
        );
    }
    Ok(compiled)
}
