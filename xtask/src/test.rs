//! `cargo xtask test`: all of them, after setting up what they need.
//!
//! Skips nothing: where something cannot be had, it fails.

use anyhow::Result;

use crate::shell::{cargo, run, succeeds};
use crate::{images, programs, setup};

pub(crate) fn test() -> Result<()> {
    setup::setup()?;
    images::images()?;
    programs::programs()?;
    // The tests run the command as its users do, so it must be there. (Not the whole workspace:
    // profiler-ebpf builds for the BPF target only.)
    run(cargo().args(["build", "--bins", "-p", "profiler"]))?;
    if succeeds(cargo().args(["nextest", "--version"])) {
        // .config/nextest.toml keeps those that share the machine one after the other.
        run(cargo().args(["nextest", "run", "--no-fail-fast"]))?;
    } else {
        run(cargo()
            .args(["test", "--no-fail-fast", "--lib", "--bins", "--tests"])
            // The tests package has the machine to itself, a test at a time.
            .args(["--", "--test-threads=1"]))?;
    }
    run(cargo().args(["test", "--quiet", "--doc"]))
}
