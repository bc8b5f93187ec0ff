//! Says what is missing before anything is tried, each with what mends it.

use std::path::Path;

use crate::process_status::mask;

/// Bits in CapEff (<https://elixir.bootlin.com/linux/v6.18/source/include/uapi/linux/capability.h>).
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// The first kernel whose hooks and helpers the programs use as they are.
const OLDEST_KERNEL: (u32, u32) = (6, 1);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PreflightError {
    #[error("watching the kernel needs {missing}: run as root, or grant it with setcap(8)")]
    Capability { missing: &'static str },
    #[error(
        "this kernel has no BTF (/sys/kernel/btf/vmlinux): boot one built with CONFIG_DEBUG_INFO_BTF=y"
    )]
    NoBtf,
    #[error("Linux {found} is too old: profiler needs 6.1 or later")]
    OldKernel { found: String },
}

/// Whether BPF programs could be loaded here, as far as can be told without trying.
pub fn preflight() -> Result<(), PreflightError> {
    let release = kernel_release();
    if version(&release).is_some_and(|found| found < OLDEST_KERNEL) {
        return Err(PreflightError::OldKernel { found: release });
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return Err(PreflightError::NoBtf);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    check_capabilities(mask(&status, "CapEff").unwrap_or(0))
}

/// `uname -r`
pub fn kernel_release() -> String {
    nix::sys::utsname::uname().map_or_else(
        |_| String::new(),
        |name| name.release().to_string_lossy().into_owned(),
    )
}

/// Whether kernel strings may be read: lockdown=confidentiality refuses the helper at load.
pub fn may_read_strings() -> bool {
    std::fs::read_to_string("/sys/kernel/security/lockdown")
        .map_or(true, |modes| !modes.contains("[confidentiality]"))
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn check_capabilities(effective: u64) -> Result<(), PreflightError> {
    let has = |bit: u32| effective & (1 << bit) != 0;
    if has(CAP_SYS_ADMIN) {
        return Ok(());
    }
    let missing = match (has(CAP_BPF), has(CAP_PERFMON)) {
        (true, true) => return Ok(()),
        (false, false) => "CAP_BPF and CAP_PERFMON",
        (false, true) => "CAP_BPF",
        (true, false) => "CAP_PERFMON",
    };
    Err(PreflightError::Capability { missing })
}

#[cfg(test)]
mod tests {
    use super::{PreflightError, check_capabilities, version};

    #[test]
    fn the_missing_capability_is_named() {
        assert_eq!(
            check_capabilities(0),
            Err(PreflightError::Capability {
                missing: "CAP_BPF and CAP_PERFMON"
            })
        );
        assert_eq!(
            check_capabilities(1 << 39),
            Err(PreflightError::Capability {
                missing: "CAP_PERFMON"
            })
        );
        assert_eq!(check_capabilities(1 << 39 | 1 << 38), Ok(()));
        assert_eq!(check_capabilities(1 << 21), Ok(()));
    }

    #[test]
    fn releases_of_distributions_are_understood() {
        assert_eq!(version("6.1.0-37-cloud-amd64"), Some((6, 1)));
        assert_eq!(version("5.10.262"), Some((5, 10)));
        assert_eq!(version("weird"), None);
    }
}
