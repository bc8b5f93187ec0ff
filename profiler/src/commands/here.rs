//! What a file says of how it came about.

use anyhow::Context as _;

use crate::recording::{CgroupMode, Host, Tool};

pub(super) fn tool() -> Tool {
    Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

pub(super) fn host(cgroup: CgroupMode) -> anyhow::Result<Host> {
    let name = nix::sys::utsname::uname().context("cannot ask the kernel for its name")?;
    Ok(Host {
        kernel: name.release().to_string_lossy().into_owned(),
        machine: name.machine().to_string_lossy().into_owned(),
        cgroup,
    })
}
