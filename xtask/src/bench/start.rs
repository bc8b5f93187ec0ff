//! How long `record` takes beyond what it runs, and where that time goes.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use super::Bench;
use super::figures::{Comparison, Row, Table, Variant};
use super::tracer::Looker;
use crate::shell::output;

/// Lines that `record` writes (with PROFILER_LOG=debug), and what it has done by then.
const STATIONS: [(&str, &str); 4] = [
    ("kernel fields are found", "find fields in the kernel's BTF"),
    ("BPF maps are made", "load: programs, maps"),
    ("BPF programs are attached", "verify and attach"),
    ("wrote ", "run `true`, read, write"),
];
const LAST: &str = "detach";

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let rounds = bench.rounds(5, 25);
    let timed = |command: &mut Command| -> Result<Vec<f64>> {
        let began = Instant::now();
        output(command)?;
        Ok(vec![began.elapsed().as_secs_f64() * 1000.0])
    };
    let record = || {
        let mut command = Command::new(&bench.profiler);
        command
            .args(["record", "-o"])
            .arg(bench.recording())
            .args(["--", "true"]);
        command
    };
    let variants = vec![
        Variant::ours("true", || timed(&mut Command::new("true"))),
        Variant::ours("profiler record -- true", || timed(&mut record())),
        Variant::peer("strace -f true", || {
            timed(Command::new("strace").args(["-f", "-o", "/dev/null", "true"]))
        }),
        Variant::peer("perf trace true", || {
            timed(Command::new("perf").args(["trace", "-o", "/dev/null", "true"]))
        }),
        Variant::peer("bpftrace -c true", || {
            let program = "tracepoint:raw_syscalls:sys_enter { @calls[args->id] = count(); }";
            timed(Command::new("bpftrace").args(["-c", "/bin/true", "-e", program]))
        }),
    ];
    let whole = Table {
        id: "start",
        title: "From start to end".into(),
        unit: "ms",
        comparison: Comparison::Added { by: None },
        about: "Aimed at: less than 150 ms beyond what is recorded.".into(),
        rows: rounds.measure(1, variants)?.remove(0),
    };
    let names = STATIONS.map(|(_, what)| what).into_iter().chain([LAST]);
    let mut rows: Vec<Row> = names.map(Row::new).collect();
    for _ in 0..rounds.count {
        for (row, part) in rows.iter_mut().zip(parts(&mut record())?) {
            row.samples.push(part);
        }
    }
    let parts = Table {
        id: "start-parts",
        title: "What `record -- true` does meanwhile".into(),
        unit: "ms",
        comparison: Comparison::Times,
        about: String::new(),
        rows,
    };
    Ok(vec![whole, parts])
}

/// Milliseconds from station to station, and to the end.
fn parts(record: &mut Command) -> Result<Vec<f64>> {
    let mut last = Instant::now();
    let mut looker = Looker::spawn(record.env("PROFILER_LOG", "debug"))?;
    let mut parts = Vec::new();
    let mut reached = |at: Instant| {
        parts.push(at.duration_since(last).as_secs_f64() * 1000.0);
        last = at;
    };
    for (line, _) in STATIONS {
        reached(looker.line(line)?.0);
    }
    looker.ended()?;
    reached(Instant::now());
    Ok(parts)
}
