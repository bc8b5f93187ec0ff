//! `cargo xtask vm [KERNEL…]`: records and generates on the kernels that Debian ships, each booted
//! in a VM of its own, with and without lockdown=confidentiality.
//!
//! The oracle is this machine: the same script must make the same calls and the same profile on
//! every kernel. The VM is emulated (KVM is often not to be had) and holds nothing but busybox,
//! the release build and the tests' static programs; no engine.
//!
//! A boot takes 7 to 12 s, all six of them less than a minute. But the first run fetches 75 MB of
//! kernels and makes a release build, so `cargo xtask test` does without. Kernels stay under
//! `target/vm`; remove them to have Debian's latest.

mod checks;
mod kernels;
mod machine;
mod root;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::shell::{cargo, output, run, workspace};
use crate::{programs, setup};

const PACKAGES: [(&str, &str); 4] = [
    ("busybox-static", "all that the VM holds besides profiler"),
    ("gcc-multilib", "programs of the i386 ABI"),
    ("libseccomp2", "compiles profiles"),
    ("qemu-system-x86", "the machine"),
];

/// Under lockdown of a kernel that preempts programs, at most.
const BOOTS: u32 = 3;

/// Kernels by name; all where none is named.
pub(crate) fn vm(wanted: &[String]) -> Result<()> {
    let kernels = kernels::named(wanted)?;
    let folder = workspace().join("target/vm");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    setup::assert_root()?;
    setup::provide(&PACKAGES)?;
    programs::programs()?;
    run(cargo().args(["build", "--quiet", "--release", "--package", "profiler"]))?;

    let profiler = workspace().join("target/release/profiler");
    let root = root::make(&folder, &profiler)?;
    let here = record_here(&folder.join("here"), &profiler)?;
    let mut failed = Vec::new();
    for kernel in kernels {
        let image = kernel.image(&folder)?;
        for lockdown in [false, true] {
            let name = if lockdown {
                format!("{}-lockdown", kernel.name)
            } else {
                kernel.name.to_owned()
            };
            let started = Instant::now();
            let folder = folder.join(&name);
            let mut boots = 0;
            let findings = loop {
                let boot = machine::boot(&image, &root, lockdown, &folder)?;
                let findings = checks::check(kernel, lockdown, &boot, &here)?;
                boots += 1;
                // What was lost is told, so that another boot may show what this one did not.
                if findings.is_empty() || boots == BOOTS || !checks::lost_moments(&boot) {
                    break findings;
                }
                eprintln!("vm: {name}: moments were lost, and with them something; once more");
            };
            let seconds = started.elapsed().as_secs_f32();
            if findings.is_empty() {
                eprintln!(
                    "vm: {name}: {} calls, as here; {seconds:.1} s",
                    here.calls.len()
                );
                continue;
            }
            for finding in &findings {
                eprintln!("vm: {name}: {finding}");
            }
            eprintln!("vm: {name}: what it said lies in {}", folder.display());
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("failed on {}", failed.join(", "));
    }
    Ok(())
}

/// The script that the VM runs, on this machine: what every kernel must show.
fn record_here(folder: &Path, profiler: &Path) -> Result<checks::Expected> {
    fs::create_dir_all(folder)?;
    let recording = folder.join("recording.json");
    let profile = folder.join("profile.json");
    output(
        Command::new(profiler)
            .args(["record", "-o"])
            .arg(&recording)
            .args(["--", "busybox", "sh"])
            .arg(workspace().join("tests/vm/work.sh"))
            .env("PROGRAMS", workspace().join("target/programs")),
    )?;
    output(
        Command::new(profiler)
            .arg("generate")
            .arg(&recording)
            .arg("-o")
            .arg(&profile),
    )?;
    checks::Expected::read(&recording, &profile)
}
