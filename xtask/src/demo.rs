//! `cargo xtask demo`: the whole path on one real program, without an engine.

use std::process::Command;

use anyhow::Result;

use crate::shell::{cargo, run, workspace};

pub(crate) fn demo() -> Result<()> {
    let release = workspace().join("target/release/profiler");
    let recording = workspace().join("target/demo.recording.json");
    run(cargo().args(["build", "--release", "--package", "profiler"]))?;
    run(Command::new(&release)
        .args(["record", "-o"])
        .arg(&recording)
        .args(["--", "ls", "-l", "/etc/passwd"]))?;
    run(Command::new(&release).arg("generate").arg(&recording))
}
