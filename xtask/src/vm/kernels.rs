//! Debian's cloud kernels, by apt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::apt::Apt;
use crate::shell::output;

pub(super) struct Kernel {
    pub(super) name: &'static str,
    /// What `uname -r` begins with.
    pub(super) release: &'static str,
    suite: &'static str,
    /// Has a tracepoint in cap_capable (6.17 and later).
    pub(super) has_tracepoint: bool,
    /// Counts what kprobes miss (6.7 and later).
    pub(super) counts_probes: bool,
    /// Can preempt a program at a BTF tracepoint or at a function's exit, and then shows it nothing of
    /// what others do on that processor (6 to 30 calls of `tests/vm/work.sh`; none up to 6.12), but not
    /// one at a classic tracepoint or a kprobe.
    pub(super) preempts_programs: bool,
}

/// Every Debian release's own that profiler claims to run on, and the newest there is.
const KERNELS: [Kernel; 3] = [
    Kernel {
        name: "6.1",
        release: "6.1.",
        suite: "bookworm",
        has_tracepoint: false,
        counts_probes: false,
        preempts_programs: false,
    },
    Kernel {
        name: "6.12",
        release: "6.12.",
        suite: "trixie",
        has_tracepoint: false,
        counts_probes: true,
        preempts_programs: false,
    },
    Kernel {
        name: "newest",
        // Moves on.
        release: "",
        suite: "trixie-backports",
        has_tracepoint: true,
        counts_probes: true,
        preempts_programs: true,
    },
];

const PACKAGE: &str = "linux-image-cloud-amd64";

pub(super) fn named(wanted: &[String]) -> Result<Vec<&'static Kernel>> {
    if wanted.is_empty() {
        return Ok(KERNELS.iter().collect());
    }
    wanted
        .iter()
        .map(|name| {
            KERNELS
                .iter()
                .find(|kernel| kernel.name == name)
                .with_context(|| {
                    let known: Vec<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
                    format!("no kernel {name}; there are {}", known.join(", "))
                })
        })
        .collect()
}

impl Kernel {
    /// The bootable file, fetched where `folder` has none yet.
    pub(super) fn image(&self, folder: &Path) -> Result<PathBuf> {
        let image = folder.join(format!("vmlinuz-{}", self.name));
        if image.exists() {
            return Ok(image);
        }
        let apt = Apt::new(&folder.join(format!("apt-{}", self.suite)), self.suite)?;
        let package = image_package(&apt)?;
        eprintln!("vm: fetching {package} of {}", self.suite);
        let unpacked = apt.unpack(&package)?;
        fs::rename(find(&unpacked)?, &image)?;
        apt.remove()?;
        Ok(image)
    }
}

/// What [`PACKAGE`] stands for now: `linux-image-RELEASE-cloud-amd64`; 7.x keeps the file
/// itself in `linux-binary-RELEASE-cloud-amd64`.
fn image_package(apt: &Apt) -> Result<String> {
    let depends =
        output(
            apt.command("apt-cache")
                .args(["depends", "--recurse", "--important", PACKAGE]),
        )?;
    let begins = |prefix: &str| {
        depends
            .lines()
            .find(|line| {
                line.strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            })
            .map(str::to_owned)
    };
    begins("linux-binary-")
        .or_else(|| begins("linux-image-"))
        .with_context(|| format!("{PACKAGE} depends on no kernel:\n{depends}"))
}

/// `boot/vmlinuz-RELEASE`, or `usr/lib/modules/RELEASE/vmlinuz` from 7.x on.
fn find(unpacked: &Path) -> Result<PathBuf> {
    let found = output(
        Command::new("find")
            .arg(unpacked)
            .args(["-type", "f", "-name", "vmlinuz*"]),
    )?;
    match found.lines().collect::<Vec<_>>()[..] {
        [file] => Ok(file.into()),
        _ => bail!("expected one kernel in {}: {found:?}", unpacked.display()),
    }
}
