//! `profiler record --cgroup PATH`, and attaching to what runs already.

use anyhow::Context as _;

use super::goal::goal;
use super::output::Output;
use super::progress::Progress;
use super::recorder::Recorder;
use super::run::{About, End, Life};
use crate::cli::RecordArgs;
use crate::kernel::{self, Boundary, Capacity, Observer, ScopeId, Watch};
use crate::process_status;
use crate::recording::{Confinement, Filter, Outcome, Subject, Text};
use crate::target::Interrupts;
use crate::target::cgroup::{CgroupError, ExistingCgroup, Hierarchies};

pub(super) async fn record(args: &RecordArgs, path: &std::path::Path) -> anyhow::Result<u8> {
    kernel::preflight()?;
    let output = Output::folder(args.output.as_deref())?;
    let hierarchies = Hierarchies::find()?;
    let cgroup = ExistingCgroup::at(&hierarchies, path)?;
    let interrupts = Interrupts::of_this_process().context("cannot listen for signals")?;
    let progress = Progress::new(args.quiet);
    let mut observer = Observer::load(Watch {
        denials: true,
        capacity: Capacity::Few,
    })?;
    let scope = attach(&mut observer, &cgroup, Boundary::Exec)?;
    let life = Life {
        scope,
        about: About {
            subject: Subject::Cgroup {
                path: cgroup.path().as_os_str().into(),
            },
            engine: None,
            confinement: confinement(&cgroup)?,
        },
        started_ns: kernel::boot_time_ns(),
        container: None,
        health_check: None,
        from_birth: false,
    };
    let mut recorder = Recorder::new(observer, output, hierarchies.mode, args)?;
    progress.state(&format!(
        "attached to {}",
        Text::from(cgroup.path().as_os_str())
    ));

    let test_exit = recorder
        .during(&life, &progress, async {
            tokio::select! {
                done = goal(args, &interrupts) => done,
                () = removed(&cgroup) => Ok(None),
            }
        })
        .await?;
    progress.finish();
    let outcome = Outcome {
        passed: true,
        test_exit: None,
        subject_exit: None,
        reason: None,
    };
    let end = End {
        ended_ns: (!cgroup.is_there()).then(kernel::boot_time_ns),
        outcome,
    };
    recorder.end(vec![(life, end)])?;
    if let Some(exit) = test_exit {
        recorder.test_ended(exit);
    }
    let code = u8::try_from(test_exit.unwrap_or(0)).unwrap_or(u8::MAX);
    recorder.close()?.exit_code(code)
}

async fn removed(cgroup: &ExistingCgroup) {
    while cgroup.is_there() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Watches a cgroup that is in use: what is in it, what is below it, what will be.
pub(super) fn attach(
    observer: &mut Observer,
    cgroup: &ExistingCgroup,
    boundary: Boundary,
) -> anyhow::Result<ScopeId> {
    let scope = observer.watch_running(cgroup.id(), boundary)?;
    // What is made below one that is watched belongs to it: once a look finds nothing new, all is
    // watched.
    let mut nested = std::collections::HashSet::new();
    loop {
        let before = nested.len();
        for below in cgroup.descendants()? {
            if nested.insert(below.id()) {
                observer.watch_nested(scope, below.id())?;
            }
        }
        if nested.len() == before {
            break;
        }
    }
    let mut adopted = std::collections::HashSet::new();
    loop {
        let before = adopted.len();
        for process in cgroup.processes()? {
            let Ok(process) = u32::try_from(process) else {
                continue;
            };
            if process != 0 && adopted.insert(process) {
                observer.adopt(scope, process)?;
            }
        }
        if adopted.len() == before {
            break;
        }
    }
    Ok(scope)
}

/// Of its first process; each may have its own.
fn confinement(cgroup: &ExistingCgroup) -> Result<Confinement, CgroupError> {
    let status = cgroup
        .processes()?
        .into_iter()
        .find_map(|process| std::fs::read_to_string(format!("/proc/{process}/status")).ok())
        .unwrap_or_default();
    let filtered = process_status::field(&status, "Seccomp") == Some("2");
    let name = if filtered {
        Filter::UNKNOWN
    } else {
        Filter::UNCONFINED
    };
    Ok(Confinement {
        filter: Filter {
            name: name.into(),
            sha256: None,
        },
        no_new_privileges: process_status::field(&status, "NoNewPrivs") == Some("1"),
        privileged: false,
        capabilities: process_status::capabilities(&status, "CapBnd"),
    })
}
