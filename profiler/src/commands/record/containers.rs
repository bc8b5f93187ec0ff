//! `profiler record --label …`, `--compose-project`, `--all-containers`, `--container`: containers
//! that somebody else starts, or has started.
//!
//! The kernel side takes each cgroup that the engine makes for a container as a scope from its
//! birth on; here it is found out whose it is, and kept or dropped. Nobody waits for us.

mod attach;
mod end;
mod known;
mod lives;
mod questions;
mod watcher;

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, bail};

use self::known::Wanted;
use self::watcher::Watcher;
use super::goal::goal;
use super::output::Output;
use super::progress::Progress;
use super::recorder::Recorder;
use crate::cli::RecordArgs;
use crate::kernel::{self, Boundary, Capacity, Observer, Watch};
use crate::target::Interrupts;
use crate::target::cgroup::{Hierarchies, engine_parent};
use crate::target::engine::{Engine, configured_cgroup_parent};

pub(super) async fn record(args: &RecordArgs) -> anyhow::Result<u8> {
    kernel::preflight()?;
    let wanted = Wanted::parse(&args.others)?;
    let output = Output::folder(args.output.as_deref())?;
    let engine = Engine::connect().await?;
    let engine_facts = engine.facts().await?;
    let hierarchies = Hierarchies::find()?;
    let parent = engine_parent(
        &hierarchies,
        &engine_facts.name,
        &engine_facts.cgroup_driver,
        configured_cgroup_parent().as_deref(),
    )?;
    let wanted = wanted.resolve(&engine).await?;
    // Before anything is watched that would have to be let go of.
    let interrupts = Interrupts::of_this_process().context("cannot listen for signals")?;
    // Before the test, so that nothing it starts is missed.
    let mut events = engine.events().await?;
    let mut observer = Observer::load(Watch {
        denials: true,
        capacity: Capacity::Many,
    })?;
    if !kernel::may_read_strings() {
        bail!(
            "this kernel is locked down (confidentiality): it does not tell which cgroup is whose; record one container by --image, or boot with lockdown=integrity"
        );
    }
    observer.watch_children(parent.id(), Boundary::Container)?;
    let recorder = Recorder::new(observer, output, hierarchies.mode, args)?;
    let mut watcher = Watcher::new(
        engine,
        engine_facts,
        hierarchies,
        wanted,
        recorder,
        Progress::new(args.quiet),
    );
    watcher.attach_to_running().await?;

    let mut goal = std::pin::pin!(goal(args, &interrupts));
    let mut checkpoints = watcher.recorder.ticks();
    let test_exit = loop {
        tokio::select! {
            test_exit = &mut goal => break test_exit?,
            event = events.next() => watcher.heard(event),
            () = watcher.anything() => {}
            () = checkpoints.next() => watcher.checkpoint(),
        }
        watcher.look().await?;
        if watcher.nothing_left() {
            break None;
        }
    };
    watcher.settle(&mut events).await?;
    watcher.close(test_exit, args)
}

/// At most so long.
async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, work).await.ok()
}
