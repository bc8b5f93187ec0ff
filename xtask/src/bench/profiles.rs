//! What a profile costs the container that runs under it, as the engine loads it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::Bench;
use super::figures::{Comparison, Table, Variant};
use crate::shell::output;

const IMAGE: &str = "profiler-test/busybox";
const PROGRAM: &str = "/price";
const DEFAULT: &str = "the engine's default";

/// Of `tests/programs/price.c`.
const MIXES: [(&str, &str, &str); 3] = [
    ("getppid", "profile-getppid", "getppid"),
    (
        "arguments",
        "profile-arguments",
        "ioctl, fcntl and prctl, whose arguments only ours rules",
    ),
    (
        "personality",
        "profile-personality",
        "personality, whose argument both rule",
    ),
];

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let generated = ["off", "safe", "all"].map(|arguments| {
        let path = bench.folder.join(format!("price-{arguments}.json"));
        (arguments, path)
    });
    generate(bench, &generated)?;
    let mounted = mounted();
    let prices = |security: &[&str]| -> Result<Vec<f64>> {
        let price = |(mix, ..): (&str, _, _)| {
            let mut command = Command::new("docker");
            command
                .args(["run", "--rm", "--network", "none", "-v", &mounted])
                .args(security)
                .args([IMAGE, PROGRAM]);
            bench.price(&mut command, mix)
        };
        MIXES.into_iter().map(price).collect()
    };
    let mut variants = vec![
        Variant::ours("no filter", || {
            prices(&["--security-opt", "seccomp=unconfined"])
        }),
        Variant::ours(DEFAULT, || prices(&[])),
    ];
    for (arguments, path) in &generated {
        variants.push(Variant::ours(
            format!("profiler --args {arguments}"),
            || prices(&["--security-opt", &format!("seccomp={}", path.display())]),
        ));
    }
    let found = bench.rounds(2, 7).measure(MIXES.len(), variants)?;
    let tables = found
        .into_iter()
        .zip(MIXES)
        .map(|(rows, (_, id, what))| Table {
            id,
            title: format!("The profile's own price: {what}"),
            unit: "ns a call",
            comparison: Comparison::Added { by: Some(DEFAULT) },
            about: "Aimed at: never dearer than the engine's default.".into(),
            rows,
        });
    Ok(tables.collect())
}

/// From a recording of what is measured.
fn generate(bench: &Bench, generated: &[(&str, PathBuf)]) -> Result<()> {
    let calls = MIXES.map(|(mix, ..)| format!("{PROGRAM} {mix} 10"));
    output(
        Command::new(&bench.profiler)
            .args(["record", "--image", IMAGE, "--network", "none"])
            .args(["-v", &mounted(), "-o"])
            .arg(bench.recording())
            .args(["--", "sh", "-c", &calls.join(" && ")]),
    )?;
    for (arguments, path) in generated {
        output(
            Command::new(&bench.profiler)
                .args(["generate", "--args", arguments, "-o"])
                .arg(path)
                .arg(bench.recording()),
        )?;
    }
    Ok(())
}

fn mounted() -> String {
    format!("{}:{PROGRAM}:ro", super::program("price").display())
}
