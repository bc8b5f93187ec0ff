//! Thousands of scopes at once, and cgroups that come and go.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Bench;
use super::figures::{Comparison, Table, Variant};
use super::tracer::{Cgroup, Looker, inside};
use crate::shell::output;

/// What the watcher tells, and a table of it.
const TOLD: [(&str, &str, &str, &str); 4] = [
    (
        "kernel_kib",
        "scale-kernel",
        "Memory of the kernel for the maps",
        "KiB",
    ),
    (
        "user_kib",
        "scale-user",
        "Memory of the recorder at its most",
        "KiB",
    ),
    (
        "register_ms",
        "scale-register",
        "Registering all scopes",
        "ms",
    ),
    ("read_ms", "scale-read", "Reading all scopes once", "ms"),
];

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let mut tables = scopes(bench)?;
    tables.push(births(bench)?);
    Ok(tables)
}

fn scopes(bench: &Bench) -> Result<Vec<Table>> {
    let cgroup = Cgroup::new("scale")?;
    let others = Cgroup::new("scopes")?;
    let price = super::program("price");
    let variant = |count: &'static str| {
        let (bench, cgroup, others, price) = (&bench, &cgroup, &others, &price);
        Variant::ours(format!("scopes: {count}"), move || {
            let mut looker = Looker::spawn(
                Command::new(&bench.watcher)
                    .args(["scopes", count])
                    .args([&cgroup.folder, &others.folder]),
            )?;
            let set_up: Value = serde_json::from_str(&looker.line("{")?.1)?;
            let price = bench.price(&mut inside(&cgroup.folder, price), "getppid")?;
            let lines = looker.released()?;
            let told = lines.last().context("the watcher told nothing")?;
            let read: Value = serde_json::from_str(told)?;
            if read["calls"] == 0 {
                bail!("no call was seen: {told}");
            }
            let mut values = vec![price];
            for (name, ..) in TOLD {
                let value = set_up[name].as_f64().or_else(|| read[name].as_f64());
                values.push(value.with_context(|| format!("the watcher told no {name}"))?);
            }
            Ok(values)
        })
    };
    let variants = ["1", "100", "1000", "4000"].map(variant).into();
    let found = bench.rounds(2, 5).measure(1 + TOLD.len(), variants)?;
    let price = ("scale-price", "getppid in one of many scopes", "ns a call");
    let titles = std::iter::once(price).chain(TOLD.map(|(_, id, title, unit)| (id, title, unit)));
    let tables = titles.zip(found).map(|((id, title, unit), rows)| Table {
        id,
        title: title.into(),
        unit,
        comparison: Comparison::Times,
        about: String::new(),
        rows,
    });
    Ok(tables.collect())
}

fn births(bench: &Bench) -> Result<Table> {
    let parent = Cgroup::new("births")?;
    let count = if bench.quick { 1000 } else { 10_000 };
    let run = |more: &[&str]| -> Result<Vec<f64>> {
        let printed = output(
            Command::new(&bench.watcher)
                .args(["births", &count.to_string()])
                .arg::<&Path>(&parent.folder)
                .args(more),
        )?;
        let told: Value = serde_json::from_str(&printed)?;
        Ok(vec![told["us_each"].as_f64().context(printed)?])
    };
    let variants = vec![
        Variant::ours("unwatched", || run(&["unwatched"])),
        Variant::ours("each a scope, seen and released", || run(&[])),
    ];
    Ok(Table {
        id: "births",
        title: "Cgroups made and removed".into(),
        unit: "µs each",
        comparison: Comparison::Added { by: None },
        about: format!(
            "{count} of them, one after the other; 10,000 a minute are one in 6,000 µs. All were seen."
        ),
        rows: bench.rounds(2, 5).measure(1, variants)?.remove(0),
    })
}
