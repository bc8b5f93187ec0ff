//! What a call costs, for the process that makes it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Bench;
use super::figures::{Comparison, Table, Variant};
use super::hook::Hook;
use super::tracer::{Cgroup, Looker, inside};

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

pub(super) const EMPTY: &str = "an empty tp_btf program";
pub(super) const BOTH_ENDS: &str = "empty programs at both ends of a call";

/// Of `bench-watcher`.
const ONE_SCOPE: (&str, &[&str]) = ("1", &[]);
const COUNTING: &[&str] = &["count-runs"];

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let cgroup = Cgroup::new("calls")?;
    let elsewhere = Cgroup::new("bystander")?;
    let in_scope = || prices(bench, &|program| inside(&cgroup.folder, program));
    let bystander = || prices(bench, &|program| inside(&elsewhere.folder, program));
    let scopes = |(count, words): (&str, &[&str])| {
        let mut command = Command::new(&bench.watcher);
        command
            .args(["scopes", count])
            .args([&cgroup.folder, &elsewhere.folder])
            .args(words);
        Looker::start(&mut command, "load_ms")
    };
    // While somebody looks on who is stopped by the end of its stdin; as users attach.
    let beside = |looker: Result<Looker>, prices: &dyn Fn() -> Result<Vec<f64>>| {
        let looker = looker?;
        let found = prices()?;
        looker.released().map(|_| found)
    };
    let attached = |prices: &dyn Fn() -> Result<Vec<f64>>| {
        let looker = bench.record_cgroup(&cgroup)?;
        let found = prices()?;
        super::recorded(looker).map(|()| found)
    };
    let variants = vec![
        Variant::ours("untraced", in_scope),
        Variant::ours(EMPTY, || beside(bench.empty(&[]), &in_scope)),
        Variant::ours("profiler, in its scope", || {
            beside(scopes(ONE_SCOPE), &in_scope)
        }),
        Variant::ours("profiler, a bystander", || {
            beside(scopes(ONE_SCOPE), &bystander)
        }),
        Variant::ours("profiler, one of 1,000 scopes", || {
            beside(scopes(("1000", &[])), &in_scope)
        }),
        Variant::ours(BOTH_ENDS, || beside(bench.empty(&["both-ends"]), &in_scope)),
        Variant::ours("profiler, refusals too, in its scope", || {
            attached(&in_scope)
        }),
        Variant::ours("profiler, refusals too, a bystander", || {
            attached(&bystander)
        }),
        Variant::peer("bpftrace, counting by call", || {
            let looker = bpftrace(&cgroup.folder)?;
            let found = in_scope()?;
            looker.interrupted().map(|_| found)
        }),
        Variant::peer("oci-seccomp-bpf-hook", || {
            let hook = Hook::provide(bench.folder.join("hook"), &super::program("price"))?;
            prices(bench, &|_| {
                let mut command = hook.command();
                command.arg("/price");
                command
            })
        }),
        Variant::peer("perf trace", || {
            prices(bench, &|program| {
                let mut command = inside(&cgroup.folder, Path::new("perf"));
                command
                    .args(["trace", "-o", "/dev/null", "--"])
                    .arg(program);
                command
            })
        }),
        Variant::peer("strace -f", || {
            prices(bench, &|program| {
                let mut command = inside(&cgroup.folder, Path::new("strace"));
                command.args(["-f", "-o", "/dev/null", "--"]).arg(program);
                command
            })
        }),
    ];
    let found = bench.rounds(3, 9).measure(MIXES.len(), variants)?;
    let clock = |looker: Result<Looker>| -> Result<Value> {
        let looker = looker?;
        in_scope()?;
        let lines = looker.released()?;
        let told = lines.last().context("the watcher told nothing")?;
        Ok(serde_json::from_str::<Value>(told)?["ns_a_run"].clone())
    };
    let about = format!(
        "Aimed at: in a scope at most 1.3 times what an empty program adds, beside one at most 1.1 \
         times. By the kernel's own clock (BPF statistics, which cost themselves), over these calls \
         and all others of the machine, a run of the empty program took {} ns and one of ours {} ns.",
        clock(bench.empty(COUNTING))?,
        clock(scopes((ONE_SCOPE.0, COUNTING)))?,
    );
    let tables = found.into_iter().zip(MIXES).enumerate();
    let tables = tables.map(|(place, (rows, (_, id, what)))| Table {
        id,
        title: format!("The price of a call: {what}"),
        unit: "ns a call",
        comparison: Comparison::Added { by: Some(EMPTY) },
        about: if place == 0 {
            about.clone()
        } else {
            String::new()
        },
        rows,
    });
    Ok(tables.collect())
}

/// Of each mix, by what runs the program.
fn prices(bench: &Bench, run: &dyn Fn(&Path) -> Command) -> Result<Vec<f64>> {
    let program = super::program("price");
    let price = |(mix, ..): (&str, _, _)| bench.price(&mut run(&program), mix);
    MIXES.into_iter().map(price).collect()
}

pub(super) fn bpftrace(cgroup: &Path) -> Result<Looker> {
    let program = format!(
        r#"BEGIN {{ printf("ready\n"); }}
           tracepoint:raw_syscalls:sys_enter /cgroup == cgroupid("{}")/ {{ @calls[args->id] = count(); }}"#,
        cgroup.display()
    );
    let looker = Looker::start(
        Command::new("bpftrace").args(["-B", "line", "-e", &program]),
        "ready",
    );
    // It attaches after that.
    std::thread::sleep(Duration::from_millis(300));
    looker
}
