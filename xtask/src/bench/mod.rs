//! `cargo xtask bench [--quick] [GROUP…]`: what we cost, beside what others cost.
//!
//! Ratios, not absolute figures: the variants of a table are measured in turn, round by round, and
//! compared within a round. Where the rounds do not agree the table says so. Everything lies in
//! `target/bench`; `--write-docs` puts the tables into the documents too.

mod calls;
mod complete;
mod container;
mod documents;
mod figures;
mod files;
mod hook;
mod markdown;
mod plot;
mod profiles;
mod scale;
mod servers;
mod start;
mod tracer;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};

use self::figures::{Rounds, Table};
use self::tracer::{Cgroup, Looker, Tracefs};
use crate::shell::{cargo, output, run, workspace};
use crate::{images, programs, setup};

/// What is measured beside us; a peer that Debian cannot give is measured without, and the tables say
/// so.
const PEERS: [(&str, &str); 4] = [
    ("bpftrace", "a peer"),
    (
        "linux-perf",
        "a peer: perf trace; and the counter of instructions",
    ),
    ("oci-seccomp-bpf-hook", "a peer"),
    ("strace", "a peer"),
];

/// What is measured with.
const TOOLS: [(&str, &str); 3] = [
    ("redis-tools", "load for redis: redis-benchmark"),
    (
        "valgrind",
        "counts instructions where the processor does not",
    ),
    ("wrk", "load for nginx"),
];

type Measure = fn(&Bench) -> Result<Vec<Table>>;

const GROUPS: [(&str, Measure); 7] = [
    ("calls", calls::measure),
    ("servers", servers::measure),
    ("complete", complete::measure),
    ("start", start::measure),
    ("scale", scale::measure),
    ("profiles", profiles::measure),
    ("files", files::measure),
];

/// What the groups share.
struct Bench {
    quick: bool,
    profiler: PathBuf,
    watcher: PathBuf,
    /// Where results go, and what lies about meanwhile.
    folder: PathBuf,
    interrupted: Arc<AtomicBool>,
}

pub(crate) fn bench(quick: bool, write_docs: bool, wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted
        .iter()
        .find(|name| GROUPS.iter().all(|(group, _)| group != name))
    {
        let known = GROUPS.map(|(group, _)| group).join(", ");
        bail!("no group is called {unknown}: there are {known}");
    }
    setup::setup()?;
    setup::provide(&TOOLS)?;
    for peer in PEERS {
        if let Err(error) = setup::provide(&[peer]) {
            eprintln!("bench: without {}: {error:#}", peer.0);
        }
    }
    images::images()?;
    programs::programs()?;
    run(cargo()
        .args(["build", "--quiet", "--release", "--bins"])
        .args(["--package", "profiler", "--package", "profiler-tests"]))?;
    let release = workspace().join("target/release");
    let bench = Bench {
        quick,
        profiler: release.join("profiler"),
        watcher: release.join("bench-watcher"),
        folder: workspace().join("target/bench"),
        interrupted: Arc::default(),
    };
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&bench.interrupted))
            .context("cannot handle signals")?;
    }
    fs::create_dir_all(&bench.folder)
        .with_context(|| format!("cannot make {}", bench.folder.display()))?;
    let _tracefs = Tracefs::provide()?;
    let mut tables = Vec::new();
    for (group, measure) in GROUPS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == group) {
            continue;
        }
        for table in measure(&bench).with_context(|| format!("bench: {group}"))? {
            let mut text = serde_json::to_string_pretty(&table.json())?;
            text.push('\n');
            fs::write(bench.folder.join(format!("{}.json", table.id)), text)?;
            tables.push(table);
        }
    }
    documents::write(&bench, &tables, write_docs)
}

/// Of the tests' own.
fn program(name: &str) -> PathBuf {
    workspace().join("target/programs").join(name)
}

/// Ends a recording; an error where anything was lost.
fn recorded(looker: Looker) -> Result<()> {
    let said = looker.interrupted()?.join("; ");
    if !said.contains("nothing was lost") {
        bail!("the recording is not complete: {said}");
    }
    Ok(())
}

impl Bench {
    fn rounds(&self, quick: usize, full: usize) -> Rounds {
        Rounds {
            count: if self.quick { quick } else { full },
            interrupted: Arc::clone(&self.interrupted),
        }
    }

    /// Nanoseconds that a call of the mix takes; the command runs `tests/programs/price.c`.
    fn price(&self, command: &mut Command, mix: &str) -> Result<f64> {
        let milliseconds = if self.quick { "60" } else { "200" };
        let printed = output(command.args([mix, milliseconds]))?;
        printed.parse().with_context(|| printed.clone())
    }

    /// Programs that do nothing, until it is released.
    fn empty(&self, words: &[&str]) -> Result<Looker> {
        let mut command = Command::new(&self.watcher);
        Looker::start(command.arg("empty").args(words), "{}")
    }

    fn recording(&self) -> PathBuf {
        self.folder.join("bench.recording.json")
    }

    /// The command as users run it, attached.
    fn record_cgroup(&self, cgroup: &Cgroup) -> Result<Looker> {
        let mut command = Command::new(&self.profiler);
        command
            .args(["record", "-o"])
            .arg(self.folder.join("attached"))
            .arg("--cgroup")
            .arg(&cgroup.folder);
        Looker::start(&mut command, "attached to")
    }
}
