//! `profiler record`: a target, an observer, a file.

mod command;
mod image;
#[allow(dead_code, reason = "for runs that are watched at length")]
mod progress;
mod report;
mod under;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail};

use crate::cli::{RecordArgs, RunOptions};
use crate::collector::{self, RunClock};
use crate::kernel::{self, Observer, SlotId, Symbols};
use crate::recording::{
    self, Capabilities, CgroupMode, Confinement, Engine, FORMAT, Host, Outcome, Recording, Run,
    Status, Subject, Tool, VERSION,
};

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

/// When a run began, by the clocks that are needed.
struct Started {
    wall: SystemTime,
    clock: RunClock,
}

impl Started {
    fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            clock: RunClock {
                run: 1,
                started_ns: kernel::boot_time_ns(),
            },
        }
    }

    fn duration_ms(&self) -> u64 {
        kernel::boot_time_ns().saturating_sub(self.clock.started_ns) / 1_000_000
    }
}

/// What a target knows of itself.
struct About {
    subject: Subject,
    engine: Option<Engine>,
    confinement: Confinement,
    cgroup: CgroupMode,
}

async fn finish(
    observer: &mut Observer,
    slot: SlotId,
    started: &Started,
    about: About,
    outcome: Outcome,
) -> anyhow::Result<Recording> {
    let duration_ms = started.duration_ms();
    let facts = observer.final_facts(slot).await?;
    let checks = if facts.capabilities.is_empty() {
        Vec::new()
    } else {
        collector::capability_checks(started.clock, &facts.capabilities, &Symbols::load())
    };
    let name = nix::sys::utsname::uname().context("cannot ask the kernel for its name")?;
    Ok(Recording {
        format: FORMAT.to_owned(),
        version: VERSION,
        status: Status::Complete,
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        subject: about.subject,
        host: Host {
            kernel: name.release().to_string_lossy().into_owned(),
            machine: name.machine().to_string_lossy().into_owned(),
            cgroup: about.cgroup,
        },
        engine: about.engine,
        confinement: about.confinement,
        runs: vec![Run {
            id: started.clock.run,
            started: humantime::format_rfc3339_seconds(started.wall).to_string(),
            duration_ms,
            outcome,
        }],
        architectures: collector::architectures(started.clock, &facts),
        capabilities: Capabilities {
            observed_by: observer.capability_hook().map(str::to_owned),
            checks,
        },
        losses: collector::losses(&facts.losses),
    })
}

/// Found before anything runs, so that no run is lost to a mistyped path.
fn output_path(given: Option<&Path>, subject: &str) -> anyhow::Result<PathBuf> {
    let path = given.map_or_else(
        || PathBuf::from(format!("{subject}.recording.json")),
        Path::to_owned,
    );
    if path.is_dir() {
        bail!("{} is a directory; name a file with -o", path.display());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        bail!(
            "there is no folder {} to write {} in; make it first",
            folder.display(),
            path.display()
        );
    }
    Ok(path)
}

/// A run that took an hour must not be lost to a full disk: what cannot be written where it
/// should be is written to the folder for temporary files, and the error says so.
fn write(path: &Path, recording: &Recording) -> anyhow::Result<()> {
    let Err(error) = recording::write(path, recording) else {
        report::written(path, recording);
        return Ok(());
    };
    let name = path.file_name().unwrap_or("recording.json".as_ref());
    let rescue = std::env::temp_dir().join(name);
    if rescue != path && !rescue.exists() && recording::write(&rescue, recording).is_ok() {
        bail!("{error}; the recording was kept as {}", rescue.display());
    }
    Err(error.into())
}
