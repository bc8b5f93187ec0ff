//! Podman's generator of systemd units, as Debian 13 has it: the oracle for Quadlet units. Debian 12's
//! Podman is older than Quadlet. A program of its own, which needs nothing of Podman but libc.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::apt::Apt;
use crate::shell::{output, workspace};

const SUITE: &str = "trixie";
/// In Podman's package.
const GENERATOR: &str = "usr/libexec/podman/quadlet";

/// Fetched to `target/tools/quadlet` where it is not there.
pub(crate) fn provide() -> Result<()> {
    let folder = workspace().join("target/tools");
    let quadlet = folder.join("quadlet");
    if !quadlet.exists() {
        eprintln!("setup: fetching podman of {SUITE}");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let apt = Apt::new(&folder.join("apt"), SUITE)?;
        let unpacked = apt.unpack("podman")?;
        fs::rename(unpacked.join(GENERATOR), &quadlet)
            .with_context(|| format!("podman of {SUITE} has no {GENERATOR}"))?;
        apt.remove()?;
    }
    let version = output(Command::new(&quadlet).arg("-version"))
        .with_context(|| format!("remove {} to fetch it again", quadlet.display()))?;
    eprintln!("setup: quadlet {version}");
    Ok(())
}
