//! `profiler verify PROFILE --image IMAGE`: start-up several times, the test once.

use std::cell::Cell;

use super::ablate;
use crate::capabilities::{self, CapabilityList};
use crate::cli::{RunOptions, VerifyArgs};
use crate::commands::stage::{Confined, Once, Stage};
use crate::commands::{BadInput, engine_arguments};
use crate::file;
use crate::kernel::{Boundary, Capacity, Observer, Watch, kernel_release};
use crate::profile::{self, read};
use crate::target::cgroup::{Hierarchies, ScopeCgroup};
use crate::target::engine::Engine;
use crate::target::{Interrupts, Session};
use crate::terminal;
use crate::verify::{CapabilityRules, Start, Verdict, judge};

pub(super) async fn verify(args: &VerifyArgs, image: &str) -> anyhow::Result<Verdict> {
    let list = match &args.capabilities {
        Some(path) => Some(capabilities::read(path).map_err(|e| BadInput(e.to_string()))?),
        None => None,
    };
    let options = options(&args.options, list.as_ref())?;
    let about = profile::Container::with(&options.cap_add, &options.cap_drop)
        .map_err(|error| BadInput(error.to_string()))?
        .on(&kernel_release());
    let file = read(&args.profile, &about).map_err(|error| BadInput(error.to_string()))?;
    let arguments = engine_arguments(&args.command)?;
    // Before there is anything to leave behind.
    let interrupts = Interrupts::of_this_process()?;
    let engine = Engine::connect().await?;
    engine.image_to_run(image, &options, &arguments).await?;
    let driver = engine.facts().await?.cgroup_driver;
    let session = Session::new();
    let cgroup = ScopeCgroup::engine_parent(&Hierarchies::find()?, &driver, &session.name(0))?;
    let mut observer = Observer::load(Watch {
        denials: true,
        capacity: Capacity::Few,
    })?;
    let scope = observer.watch(cgroup.id(), Boundary::Filter)?;

    let stage = Stage {
        engine: &engine,
        session: &session,
        interrupts: &interrupts,
        image,
        arguments: &arguments,
        test: args.test.as_deref(),
        started: &Cell::new(0),
    };
    let confined = Confined {
        cgroup: &cgroup,
        options: &options,
        seccomp: &file.json,
    };
    let watched = (&observer, scope);
    let seen = stage.starts(confined, args.starts, None, watched).await?;
    let verdict = judge(&file.profile, list.clone().map(rules).as_ref(), &seen);
    if let (true, Some(list)) = (args.ablate, list) {
        if !verdict.passed() {
            return Ok(verdict);
        }
        let ablated = ablate::ablate(&list, async |less| {
            let options = self::options(&args.options, Some(less))?;
            let options = &options;
            let less = Confined {
                options,
                ..confined
            };
            let started = stage
                .start(less, Once::TESTED, None, async |_| Ok(()))
                .await?;
            Ok(matches!(started, (Start::Ready, None | Some(0))))
        });
        let left = ablated.await?.list;
        if let Some(path) = &args.output {
            file::replace(path, crate::output::capabilities(&left).as_bytes())?;
            terminal::say(&format!("wrote {}", path.display()));
        }
    }
    cgroup.remove()?;
    Ok(verdict)
}

pub(in crate::commands) fn options(
    given: &RunOptions,
    list: Option<&CapabilityList>,
) -> Result<RunOptions, BadInput> {
    let Some(list) = list else {
        return Ok(given.clone());
    };
    if !(given.cap_add.is_empty() && given.cap_drop.is_empty()) {
        return Err(BadInput(
            "--cap-add and --cap-drop do not go with --capabilities, which says both".into(),
        ));
    }
    let no_new_privileges = |option: &String| option.starts_with("no-new-privileges");
    if list.no_new_privileges && !given.security_opt.iter().any(no_new_privileges) {
        return Err(BadInput(
            "the capability list holds under no-new-privileges only: add --security-opt no-new-privileges"
                .into(),
        ));
    }
    Ok(with_only(given, list))
}

/// With these capabilities and no others.
pub(in crate::commands) fn with_only(given: &RunOptions, list: &CapabilityList) -> RunOptions {
    RunOptions {
        cap_drop: list.drop.clone(),
        cap_add: list.add.clone(),
        ..given.clone()
    }
}

pub(in crate::commands) fn rules(list: CapabilityList) -> CapabilityRules {
    CapabilityRules {
        refused_when_recorded: list.may_be_refused(),
        added: list.add.into_iter().collect(),
    }
}
