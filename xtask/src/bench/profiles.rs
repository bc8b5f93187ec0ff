//! What a profile costs the container that runs under it, as the engine loads it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Bench;
use super::figures::{Comparison, Table, Variant, in_turn};
use crate::shell::output;

const IMAGE: &str = "profiler-test/busybox";
/// Of `tests/programs/price.c`: a call without any rule, and calls whose arguments are ruled.
const MIXES: [(&str, &str, &str); 2] = [
    ("getppid", "profile-getppid", "getppid"),
    (
        "arguments",
        "profile-arguments",
        "ioctl, fcntl and prctl, whose arguments are ruled",
    ),
];

pub(super) fn measure(bench: &Bench) -> Result<Vec<Table>> {
    let generated = ["off", "safe", "all"].map(|arguments| {
        let path = bench.folder.join(format!("price-{arguments}.json"));
        (arguments, path)
    });
    generate(bench, &generated)?;
    let milliseconds = if bench.quick { "60" } else { "300" };
    let programs = super::program("");
    let prices = |security: Option<String>| -> Result<Vec<f64>> {
        MIXES
            .iter()
            .map(|(mix, ..)| {
                let mut command = Command::new("docker");
                command.args([
                    "run",
                    "--rm",
                    "--network",
                    "none",
                    "-v",
                    &mounted(&programs),
                ]);
                if let Some(profile) = &security {
                    command.args(["--security-opt", &format!("seccomp={profile}")]);
                }
                let printed = output(command.args([IMAGE, "/programs/price", mix, milliseconds]))?;
                printed.parse().with_context(|| printed.clone())
            })
            .collect()
    };
    let mut variants = vec![
        Variant::ours("no filter", || prices(Some("unconfined".into()))),
        Variant::ours("the engine's default", || prices(None)),
    ];
    for (arguments, path) in &generated {
        variants.push(Variant::ours(format!("--args {arguments}"), || {
            prices(Some(path.display().to_string()))
        }));
    }
    let rounds = if bench.quick { 3 } else { 15 };
    let found = in_turn(rounds, MIXES.len(), variants)?;
    let tables = found
        .into_iter()
        .zip(MIXES)
        .map(|(rows, (_, id, what))| Table {
            id,
            title: format!("The profile's own price: {what}"),
            unit: "ns a call",
            comparison: Comparison::Added {
                by: Some("the engine's default"),
            },
            about: "Aimed at: never dearer than the engine's default.".into(),
            rows,
        });
    Ok(tables.collect())
}

/// From a recording of what is measured.
fn generate(bench: &Bench, generated: &[(&str, PathBuf)]) -> Result<()> {
    let calls = MIXES.map(|(mix, ..)| format!("/programs/price {mix} 10"));
    output(
        Command::new(&bench.profiler)
            .args(["record", "--image", IMAGE, "--network", "none", "-v"])
            .arg(mounted(&super::program("")))
            .arg("-o")
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

fn mounted(programs: &Path) -> String {
    format!("{}:/programs:ro", programs.display())
}
