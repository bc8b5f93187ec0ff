//! Podman's generator of systemd units, as Debian 13 has it: the oracle for Quadlet units. Debian 12's
//! Podman is older than Quadlet. A program of its own, which needs nothing of Podman but libc.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::apt;
use crate::shell::output;

const SUITE: &str = "trixie";
/// In Podman's package.
const GENERATOR: &str = "usr/libexec/podman/quadlet";

/// As `target/tools/quadlet`.
pub(crate) fn provide() -> Result<()> {
    let quadlet = apt::provide(SUITE, "podman", GENERATOR, "quadlet")?;
    let version = output(Command::new(&quadlet).arg("-version"))
        .with_context(|| format!("remove {} to fetch it again", quadlet.display()))?;
    eprintln!("setup: quadlet {version}");
    Ok(())
}
