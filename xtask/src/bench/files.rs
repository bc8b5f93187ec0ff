//! The verbs that only read and write files, as whole processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Bench;
use super::figures::{Comparison, Table, Variant};
use crate::shell::{errors, output, workspace};

/// Merged: so many, but fewer in a quick run, and where instructions are counted: callgrind takes
/// fifty times as long.
const RECORDINGS: usize = 1000;
const FEW_RECORDINGS: usize = 100;
const COUNTED_RECORDINGS: usize = 20;

const RECORDING: &str = "tests/golden/real/redis.recording.json";

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let folder = Folder::fill(bench.folder.join("files"))?;
    let milliseconds = |words: &[String]| -> Result<f64> {
        let began = Instant::now();
        output(folder.run(&mut Command::new(&bench.profiler), words))?;
        Ok(began.elapsed().as_secs_f64() * 1000.0)
    };
    let merged = if bench.quick {
        FEW_RECORDINGS
    } else {
        RECORDINGS
    };
    let times = Table {
        id: "files",
        title: "Verbs on files".into(),
        unit: "ms",
        comparison: Comparison::Times,
        about: format!(
            "Whole processes, on `{RECORDING}`; the many are copies of it, each with a run of its own. \
             Aimed at: lint and diff in less than 50 ms."
        ),
        rows: bench
            .rounds(2, 5)
            .measure(1, variants(merged, &milliseconds))?
            .remove(0),
    };
    let counter = Counter::find();
    let millions = |words: &[String]| -> Result<f64> {
        let mut command = counter.around(&bench.profiler);
        Ok(counter.read(folder.run(&mut command, words))? / 1e6)
    };
    let instructions = Table {
        id: "files-instructions",
        title: "Verbs on files: instructions".into(),
        unit: "millions",
        comparison: Comparison::Times,
        about: format!(
            "A steady figure: user-space instructions, counted by {}.",
            counter.name()
        ),
        rows: bench
            .rounds(1, 1)
            .measure(1, variants(COUNTED_RECORDINGS, &millions))?
            .remove(0),
    };
    Ok(vec![times, instructions])
}

/// In this order, so that each finds what another writes.
fn variants(merged: usize, measure: &dyn Fn(&[String]) -> Result<f64>) -> Vec<Variant<'_>> {
    let merge = format!("merge of {merged} recordings");
    let generate = format!("generate of {merged} recordings");
    let verbs = [
        ("--version", "--version"),
        (
            "generate",
            "generate --args all -o profile.json recording.json",
        ),
        (
            "lint of docker-default",
            "lint --fail-on never docker-default",
        ),
        (
            "diff of docker-default and what was generated",
            "diff --fail-on never docker-default profile.json",
        ),
        ("explain", "explain recording.json"),
        (&merge, "merge -o merged.json"),
        (&generate, "generate --args all -o merged-profile.json"),
        ("lint of that", "lint --fail-on never merged-profile.json"),
        (
            "diff of a recording and all merged",
            "diff --fail-on never recording.json merged.json",
        ),
    ];
    let variants = verbs.into_iter().map(|(name, words)| {
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        if name == merge || name == generate {
            words.extend((0..merged).map(copy));
        }
        Variant::ours(format!("profiler {name}"), move || {
            Ok(vec![measure(&words)?])
        })
    });
    variants.collect()
}

fn copy(number: usize) -> String {
    format!("{number}.recording.json")
}

/// A recording and its copies, and what is made of them; removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn fill(path: PathBuf) -> Result<Self> {
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        let folder = Self(path);
        let text = fs::read_to_string(workspace().join(RECORDING))?;
        fs::write(folder.0.join("recording.json"), &text)?;
        let mut recording: Value = serde_json::from_str(&text)?;
        for number in 0..RECORDINGS {
            let runs = recording["runs"].as_array_mut();
            for run in runs.context("a recording has runs")? {
                let (minute, second) = (number / 60, number % 60);
                run["started"] = json!(format!("2026-01-02T03:{minute:02}:{second:02}Z"));
            }
            fs::write(folder.0.join(copy(number)), recording.to_string())?;
        }
        Ok(folder)
    }

    fn run<'a>(&self, command: &'a mut Command, words: &[String]) -> &'a mut Command {
        command.current_dir(&self.0).args(words)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Who counts instructions.
enum Counter {
    /// The processor itself.
    Perf,
    /// Where a virtual machine has no counters.
    Callgrind,
}

impl Counter {
    fn find() -> Self {
        match Self::Perf.read(&mut Self::Perf.around(Path::new("true"))) {
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
