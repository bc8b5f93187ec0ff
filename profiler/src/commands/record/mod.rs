//! `profiler record`: a target, an observer, a file.

mod command;
mod containers;
mod goal;
mod image;
mod nameless;
mod output;
mod progress;
mod recorder;
mod report;
mod run;
mod running;
mod under;

pub(super) use image::{Attendance, Ended, ImageRun, Seen, outcome};
pub(super) use run::{End, Provenance};
pub(super) use under::{Under, sha256};

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::cli::{RecordArgs, RunOptions};

pub fn record(args: &RecordArgs) -> anyhow::Result<u8> {
    let target = Target::of(args)?;
    tokio::runtime::Runtime::new()
        .context("cannot start the I/O threads")?
        .block_on(async {
            match target {
                Target::Command => command::record(args).await,
                Target::Image(image) => image::record(image, args).await,
                Target::Cgroup(path) => running::record(args, path).await,
                Target::Containers => containers::record(args).await,
            }
        })
}

/// What is to be recorded.
enum Target<'a> {
    Command,
    Image(&'a str),
    Cgroup(&'a Path),
    /// That somebody else starts, or has started.
    Containers,
}

impl<'a> Target<'a> {
    fn of(args: &'a RecordArgs) -> anyhow::Result<Self> {
        let target = if let Some(image) = &args.image {
            Self::Image(image)
        } else if let Some(path) = &args.others.cgroup {
            Self::Cgroup(path)
        } else if args.others.any_container() {
            Self::Containers
        } else if args.command.is_empty() {
            bail!(
                "say what to record: `-- CMD…`, `--image IMAGE`, --label, --compose-project or --all-containers with --test, --container NAME or --cgroup PATH"
            );
        } else {
            Self::Command
        };
        if !matches!(target, Self::Image(_)) && args.options != RunOptions::default() {
            bail!(
                "container options need `--image IMAGE`; what we do not start ourselves is taken as it is"
            );
        }
        if matches!(target, Self::Cgroup(_) | Self::Containers) && !args.command.is_empty() {
            bail!("`-- CMD…` is for what we start ourselves; give the test by --test");
        }
        Ok(target)
    }
}
