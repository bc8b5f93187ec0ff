//! How many calls are missed: 10,000 short processes, in which some 300 calls are each made once,
//! while every core makes calls as fast as it can.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Bench;
use super::calls::bpftrace;
use super::figures::{Comparison, Table, Variant};
use super::tracer::{Cgroup, inside};
use crate::shell::output;

type Numbers = BTreeSet<i64>;

/// `sh -c FLOOD PRICE STORM`. The floods end with the shell, whatever becomes of it.
const FLOOD: &str = r#"
for core in $(seq "$(nproc)"); do
    while kill -0 $$ 2>/dev/null; do "$0" getppid 200 >/dev/null; done &
    floods="$floods $!"
done
"$1"
code=$?
kill $floods
wait
exit $code
"#;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let storm = super::program("storm");
    let listed = output(Command::new(&storm).arg("list"))?;
    let made: Numbers = listed
        .lines()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .context("storm lists numbers")?;
    // Both as figures of two tables.
    let missed = |seen: &Numbers, lost: u32| -> Result<Vec<f64>> {
        let missed = u32::try_from(made.difference(seen).count())?;
        Ok(vec![missed.into(), lost.into()])
    };
    let trace = bench.folder.join("storm.trace");
    let recording = bench.recording();
    let cgroup = Cgroup::new("storm")?;
    let price = super::program("price");
    let flooded = |command: &mut Command| {
        command.args(["sh", "-c", FLOOD]).args([&price, &storm]);
        output(command)
    };
    let variants = vec![
        Variant::ours("profiler", || {
            let mut command = Command::new(&bench.profiler);
            command.args(["record", "-o"]).arg(&recording).arg("--");
            flooded(&mut command)?;
            let recording: Value = serde_json::from_slice(&fs::read(&recording)?)?;
            let losses = recording["losses"].as_object();
            let losses = losses.context("the recording has no losses")?;
            let lost: u64 = losses.values().filter_map(Value::as_u64).sum();
            let calls = recording["architectures"]["SCMP_ARCH_X86_64"].as_object();
            let calls = calls.context("the recording has no calls")?;
            let numbers = calls.values().filter_map(|call| call["number"].as_i64());
            missed(&numbers.collect(), lost.try_into()?)
        }),
        Variant::peer("bpftrace, counting by call", || {
            let looker = bpftrace(&cgroup.folder)?;
            flooded(&mut inside(&cgroup.folder, Path::new("env")))?;
            // @calls[110]: 10000
            let lines = looker.interrupted()?;
            let numbers = lines.iter().filter_map(|line| {
                let (number, _) = line.strip_prefix("@calls[")?.split_once(']')?;
                number.parse().ok()
            });
            missed(&numbers.collect(), 0)
        }),
        Variant::peer("perf record, an event a call", || {
            let mut command = Command::new("perf");
            command.args(["record", "-q", "-e", "raw_syscalls:sys_enter", "-o"]);
            flooded(command.arg(&trace).arg("--"))?;
            let mut command = Command::new("perf");
            command.args(["script", "--show-lost-events", "-F", "trace", "-i"]);
            let printed = output(command.arg(&trace))?;
            // NR 110 (0, …), PERF_RECORD_LOST lost 3326
            let after = |line: &'_ str, word: &str| -> Option<i64> {
                line.split_once(word)?
                    .1
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            };
            let numbers = printed.lines().filter_map(|line| after(line, "NR "));
            let lost = printed.lines().filter_map(|line| after(line, "LOST lost "));
            missed(&numbers.collect(), lost.sum::<i64>().try_into()?)
        }),
        Variant::peer("strace -f", || {
            let mut command = Command::new("strace");
            flooded(command.args(["-f", "-n", "-o"]).arg(&trace))?;
            // 1234 [ 110] getppid() = 1
            let printed = fs::read(&trace)?;
            let printed = String::from_utf8_lossy(&printed);
            let numbers = printed.lines().filter_map(|line| {
                let (_, rest) = line.split_once('[')?;
                rest.split(']').next()?.trim().parse().ok()
            });
            missed(&numbers.collect(), 0)
        }),
    ];
    let found = bench.rounds(1, 3).measure(2, variants);
    let _ = fs::remove_file(&trace);
    let mut found = found?.into_iter();
    let mut table = |id, title: &str, unit, about| Table {
        id,
        title: title.into(),
        unit,
        comparison: Comparison::Added { by: None },
        about,
        rows: found.next().unwrap_or_default(),
    };
    let about = format!(
        "10,000 short processes, while every core calls getppid as fast as it can; each of {} calls is \
         made by exactly one of them. Aimed at: none missed.",
        made.len()
    );
    Ok(vec![
        table("missed", "Calls missed under load", "calls", about),
        table(
            "lost",
            "What each counts as lost meanwhile",
            "events",
            String::new(),
        ),
    ])
}
