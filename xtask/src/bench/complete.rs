//! How many calls are missed: 10,000 short processes while both cores are busy, in which some 300
//! calls are each made once.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Bench;
use super::calls::bpftrace;
use super::figures::{Comparison, Table, Variant};
use super::tracer::{Cgroup, inside};
use crate::shell::output;

type Numbers = BTreeSet<i64>;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let storm = super::program("storm");
    let listed = output(Command::new(&storm).arg("list"))?;
    let made: Numbers = listed
        .lines()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .context("storm lists numbers")?;
    let missed = |seen: &Numbers| {
        let missed = u32::try_from(made.difference(seen).count());
        vec![missed.map_or(f64::INFINITY, f64::from)]
    };
    let trace = bench.folder.join("storm.trace");
    let recording = bench.recording();
    let cgroup = Cgroup::new("storm")?;
    let lost = Cell::new(0);
    let variants = vec![
        Variant::ours("profiler", || {
            let _busy = Busy::start()?;
            output(
                Command::new(&bench.profiler)
                    .args(["record", "-o"])
                    .arg(&recording)
                    .arg("--")
                    .arg(&storm),
            )?;
            let recording: Value = serde_json::from_slice(&fs::read(&recording)?)?;
            let counts = recording["losses"].as_object();
            let counts = counts.context("the recording has no losses")?;
            lost.set(lost.get() + counts.values().filter_map(Value::as_u64).sum::<u64>());
            let calls = recording["architectures"]["SCMP_ARCH_X86_64"].as_object();
            let calls = calls.context("the recording has no calls")?;
            Ok(missed(
                &calls
                    .values()
                    .filter_map(|call| call["number"].as_i64())
                    .collect(),
            ))
        }),
        Variant::peer("bpftrace, counting by call", || {
            let _busy = Busy::start()?;
            let looker = bpftrace(&cgroup.folder)?;
            output(&mut inside(&cgroup.folder, &storm))?;
            // @calls[110]: 10000
            let lines = looker.interrupted()?;
            let numbers = lines.iter().filter_map(|line| {
                let (number, _) = line.strip_prefix("@calls[")?.split_once(']')?;
                number.parse().ok()
            });
            Ok(missed(&numbers.collect()))
        }),
        Variant::peer("perf record, an event a call", || {
            let _busy = Busy::start()?;
            let mut command = Command::new("perf");
            command.args(["record", "-q", "-e", "raw_syscalls:sys_enter", "-o"]);
            output(command.arg(&trace).arg("--").arg(&storm))?;
            let printed = output(
                Command::new("perf")
                    .args(["script", "-F", "trace", "-i"])
                    .arg(&trace),
            )?;
            // NR 110 (0, …)
            let numbers = printed.lines().filter_map(|line| {
                let mut words = line.split_whitespace().skip_while(|word| *word != "NR");
                words.nth(1)?.parse().ok()
            });
            Ok(missed(&numbers.collect()))
        }),
        Variant::peer("strace -f", || {
            let _busy = Busy::start()?;
            let mut command = Command::new("strace");
            output(command.args(["-f", "-n", "-o"]).arg(&trace).arg(&storm))?;
            // 1234 [ 110] getppid() = 1
            let printed = fs::read(&trace)?;
            let printed = String::from_utf8_lossy(&printed);
            let numbers = printed.lines().filter_map(|line| {
                let (_, rest) = line.split_once('[')?;
                rest.split(']').next()?.trim().parse().ok()
            });
            Ok(missed(&numbers.collect()))
        }),
    ];
    let mut rows = bench.rounds(1, 3).measure(1, variants)?;
    let _ = fs::remove_file(&trace);
    Ok(vec![Table {
        id: "missed",
        title: "Calls missed under load".into(),
        unit: "calls missed",
        comparison: Comparison::Added { by: None },
        about: format!(
            "10,000 short processes on busy cores; each of {} calls is made by exactly one of them. \
             Aimed at: none missed. In all rounds, profiler counted {} of anything as lost.",
            made.len(),
            lost.get()
        ),
        rows: rows.remove(0),
    }])
}

/// Every core has something else to do, until it is dropped.
struct Busy(Vec<Child>);

impl Busy {
    fn start() -> Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        let mut busy = Self(Vec::new());
        for _ in 0..cores {
            let spin = Command::new("sh")
                .args(["-c", "while :; do :; done"])
                .stdin(Stdio::null())
                .spawn()?;
            busy.0.push(spin);
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for spin in &mut self.0 {
            let _ = spin.kill();
            let _ = spin.wait();
        }
    }
}
