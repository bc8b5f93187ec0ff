//! The verbs that only read and write files, as whole processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Bench;
use super::figures::{Comparison, Table, Variant, in_turn};
use crate::shell::{errors, output, workspace};

const RECORDINGS: usize = 1000;
/// What the recordings are copies of, each with runs of its own.
const MODEL: &str = "tests/golden/container.recording.json";

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let folder = bench.folder.join("recordings");
    let recordings = copies(&folder)?;
    let profile = bench.folder.join("model.json");
    let model = workspace().join(MODEL);
    let merged = bench.folder.join("merged.recording.json");
    let verbs: Vec<(String, Vec<&Path>, Vec<&str>)> = vec![
        ("--version".into(), vec![], vec!["--version"]),
        (
            "generate".into(),
            vec![&model],
            vec!["generate", "-o", text(&profile)?],
        ),
        (
            "lint".into(),
            vec![&profile],
            vec!["lint", "--fail-on", "never"],
        ),
        ("explain".into(), vec![&model], vec!["explain"]),
        (
            format!("merge of {RECORDINGS}"),
            recordings.iter().map(PathBuf::as_path).collect(),
            vec!["merge", "-o", text(&merged)?],
        ),
    ];
    // In this order once, so that each finds what another writes.
    for (_, files, words) in &verbs {
        output(Command::new(&bench.profiler).args(words).args(files))?;
    }
    let variants = verbs
        .iter()
        .map(|(name, files, words)| {
            Variant::ours(format!("profiler {name}"), move || {
                let began = Instant::now();
                output(Command::new(&bench.profiler).args(words).args(files))?;
                Ok(vec![began.elapsed().as_secs_f64() * 1000.0])
            })
        })
        .collect();
    let rounds = if bench.quick { 3 } else { 11 };
    let times = Table {
        id: "files",
        title: "Verbs on files".into(),
        unit: "ms",
        comparison: Comparison::Times,
        about: format!(
            "Whole processes; each recording is a copy of `{MODEL}` with runs of its own."
        ),
        rows: in_turn(rounds, 1, variants)?.remove(0),
    };
    let counter = &Counter::find();
    let variants = verbs
        .iter()
        .map(|(name, files, words)| {
            Variant::ours(format!("profiler {name}"), move || {
                let mut command = counter.around(&bench.profiler);
                Ok(vec![counter.read(command.args(words).args(files))? / 1e6])
            })
        })
        .collect();
    let instructions = Table {
        id: "files-instructions",
        title: "Verbs on files: instructions".into(),
        unit: "millions",
        comparison: Comparison::Times,
        about: format!(
            "A steady figure: user-space instructions, counted by {}.",
            counter.name()
        ),
        rows: in_turn(1, 1, variants)?.remove(0),
    };
    fs::remove_dir_all(&folder)?;
    Ok(vec![times, instructions])
}

/// Who counts instructions.
enum Counter {
    /// The processor itself.
    Perf,
    /// Where a virtual machine has no counters; fifty times slower.
    Callgrind,
}

impl Counter {
    fn find() -> Self {
        match Self::Perf.read(Self::Perf.around(Path::new("true")).args::<_, &str>([])) {
            Ok(_) => Self::Perf,
            Err(_) => Self::Callgrind,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Perf => "the processor (perf stat)",
            Self::Callgrind => "callgrind, as this machine has no counters",
        }
    }

    fn around(&self, program: &Path) -> Command {
        let words: &[&str] = match self {
            Self::Perf => &["perf", "stat", "-x", ",", "-e", "instructions:u", "--"],
            Self::Callgrind => &[
                "valgrind",
                "--tool=callgrind",
                "--callgrind-out-file=/dev/null",
            ],
        };
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(program);
        command
    }

    fn read(&self, command: &mut Command) -> Result<f64> {
        let said = errors(command)?;
        let count = match self {
            // 123456,,instructions:u,…
            Self::Perf => said
                .lines()
                .find(|line| line.contains("instructions"))
                .and_then(|line| line.split(',').next()?.parse().ok()),
            // ==1234== Collected : 123456
            Self::Callgrind => said
                .lines()
                .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok()),
        };
        count.with_context(|| format!("no count of instructions: {said}"))
    }
}

/// Each run of a copy began at another time.
fn copies(folder: &Path) -> Result<Vec<PathBuf>> {
    let model: Value = serde_json::from_slice(&fs::read(workspace().join(MODEL))?)?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    (0..RECORDINGS)
        .map(|number| {
            let mut recording = model.clone();
            let runs = recording["runs"].as_array_mut();
            for (place, run) in runs.context("a recording has runs")?.iter_mut().enumerate() {
                run["started"] = json!(format!(
                    "2026-01-02T{:02}:{:02}:{:02}Z",
                    number / 60 % 24,
                    number % 60,
                    place
                ));
            }
            let path = folder.join(format!("{number}.recording.json"));
            fs::write(&path, recording.to_string())?;
            Ok(path)
        })
        .collect()
}

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is no UTF-8", path.display()))
}
