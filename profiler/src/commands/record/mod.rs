//! `profiler record`: a target, an observer, a file.

mod command;
mod image;
mod output;
mod recorder;
mod report;
mod under;

use anyhow::{Context as _, bail};

use crate::cli::{RecordArgs, RunOptions};

pub fn record(args: &RecordArgs) -> anyhow::Result<u8> {
    if args.image.is_none() {
        if args.command.is_empty() {
            bail!("say what to record: `-- CMD…`, or `--image IMAGE`");
        }
        if args.options != RunOptions::default() {
            bail!("container options need `--image IMAGE`; a command is run as it is");
        }
    }
    tokio::runtime::Runtime::new()
        .context("cannot start the I/O threads")?
        .block_on(async {
            match &args.image {
                Some(image) => image::record(image, args).await,
                None => command::record(args).await,
            }
        })
}
