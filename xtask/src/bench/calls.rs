//! What a call costs, for the process that makes it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Bench;
use super::figures::{Comparison, Table, Variant, in_turn};
use super::tracer::{Cgroup, Looker, inside};
use crate::shell::output;

/// Of `tests/programs/price.c`, and what a table of it shows.
const MIXES: [(&str, &str, &str); 5] = [
    ("getppid", "call-getppid", "getppid"),
    ("eight", "call-eight", "a mix of eight calls"),
    ("read-write", "call-read-write", "read and write of a byte"),
    (
        "arguments",
        "call-arguments",
        "ioctl, fcntl and prctl, whose arguments are noted",
    ),
    (
        "capability",
        "call-capability",
        "sethostname, which asks for a capability",
    ),
];

const EMPTY: &str = "an empty tp_btf program";

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let cgroup = Cgroup::new("calls")?;
    let elsewhere = Cgroup::new("bystander")?;
    let price = super::program("price");
    let milliseconds = if bench.quick { "60" } else { "300" };
    // Of each mix, by a command that the program and its words are put behind.
    let prices = |around: &dyn Fn(&Path) -> Command| -> Result<Vec<f64>> {
        MIXES
            .iter()
            .map(|(mix, ..)| {
                let printed = output(around(&price).args([mix, milliseconds]))?;
                printed.parse().with_context(|| printed.clone())
            })
            .collect()
    };
    let in_scope = |program: &Path| inside(&cgroup.folder, program);
    let bystander = |program: &Path| inside(&elsewhere.folder, program);
    let scopes = |count: &str, more: &[&str]| {
        let mut command = Command::new(&bench.watcher);
        command
            .args(["scopes", count])
            .args([&cgroup.folder, &elsewhere.folder])
            .args(more);
        Looker::start(&mut command, "load_ms")
    };
    let record = || bench.record_cgroup(&cgroup);

    let variants = vec![
        Variant::ours("untraced", || prices(&in_scope)),
        Variant::ours(EMPTY, || {
            let mut looker = Looker::start(Command::new(&bench.watcher).arg("empty"), "{}")?;
            let prices = prices(&in_scope)?;
            looker.told();
            looker.ended()?;
            Ok(prices)
        }),
        Variant::ours("profiler, in its scope", || {
            let looker = record()?;
            let prices = prices(&in_scope)?;
            super::recorded(looker)?;
            Ok(prices)
        }),
        Variant::ours("profiler, a bystander", || {
            let looker = record()?;
            let prices = prices(&bystander)?;
            super::recorded(looker)?;
            Ok(prices)
        }),
        Variant::ours("profiler, one of 1,000 scopes", || {
            let mut looker = scopes("1000", &[])?;
            let prices = prices(&in_scope)?;
            looker.told();
            looker.ended()?;
            Ok(prices)
        }),
        Variant::peer("bpftrace, counting by call", || {
            let looker = bpftrace(&cgroup.folder)?;
            let prices = prices(&in_scope)?;
            stop(looker)?;
            Ok(prices)
        }),
        Variant::peer("perf trace", || {
            prices(&|program| {
                let mut command = inside(&cgroup.folder, Path::new("perf"));
                command
                    .args(["trace", "-o", "/dev/null", "--"])
                    .arg(program);
                command
            })
        }),
        Variant::peer("strace -f", || {
            prices(&|program| {
                let mut command = inside(&cgroup.folder, Path::new("strace"));
                command.args(["-f", "-o", "/dev/null", "--"]).arg(program);
                command
            })
        }),
    ];
    let rounds = if bench.quick { 3 } else { 11 };
    let mut tables: Vec<Table> = in_turn(rounds, MIXES.len(), variants)?
        .into_iter()
        .zip(MIXES)
        .map(|(rows, (_, id, what))| Table {
            id,
            title: format!("The price of a call: {what}"),
            unit: "ns a call",
            comparison: Comparison::Added { by: Some(EMPTY) },
            about:
                "Aimed at: in a scope at most 1.3 times what an empty program adds, beside one at \
                    most 1.1 times."
                    .into(),
            rows,
        })
        .collect();
    tables[0].about += &kernels_own_clock(
        || scopes("1", &["count-runs"]),
        || prices(&in_scope).map(drop),
    )?;
    Ok(tables)
}

/// A second oracle.
fn kernels_own_clock(
    start: impl FnOnce() -> Result<Looker>,
    work: impl FnOnce() -> Result<()>,
) -> Result<String> {
    let mut looker = start()?;
    work()?;
    looker.told();
    let (_, line) = looker.line("ns_a_run")?;
    let result: serde_json::Value = serde_json::from_str(&line)?;
    looker.ended()?;
    Ok(format!(
        " By the kernel's own clock (BPF statistics, which cost themselves) a run of sys_enter took {} ns \
         on average, over all calls of the machine.",
        result["ns_a_run"]
    ))
}

pub(super) fn bpftrace(cgroup: &Path) -> Result<Looker> {
    let program = format!(
        r#"BEGIN {{ printf("ready\n"); }}
           tracepoint:raw_syscalls:sys_enter /cgroup == cgroupid("{}")/ {{ @calls[args->id] = count(); }}"#,
        cgroup.display()
    );
    Looker::start(
        Command::new("bpftrace").args(["-B", "line", "-e", &program]),
        "ready",
    )
}

/// Of a peer: what it says at its end.
pub(super) fn stop(mut looker: Looker) -> Result<Vec<String>> {
    looker.interrupted()?;
    Ok(looker.ended()?.1)
}
