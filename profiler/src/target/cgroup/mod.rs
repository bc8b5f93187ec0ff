//! Cgroups: where they are mounted, and one of our own to run a target in.
//!
//! Version 2 alone tells whose call it is, also where it sits beside version 1; the directories
//! of version 1 are only swept up behind the engine.

mod hierarchies;
mod scope;

pub use hierarchies::Hierarchies;
pub use scope::{Frozen, ScopeCgroup};

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    #[error("cannot read {path}: {source}; mount proc there")]
    Proc {
        path: &'static str,
        source: io::Error,
    },
    #[error(
        "no cgroup v2 is mounted; `mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified` mends it"
    )]
    NoUnified,
    #[error(
        "our own cgroup {own} lies outside of the cgroup v2 mount at {mount}; run in the host's cgroup namespace"
    )]
    OutOfSight { own: String, mount: PathBuf },
    #[error("cannot make the cgroup {path}: {source}; {mend}")]
    Create {
        path: PathBuf,
        source: io::Error,
        mend: &'static str,
    },
    #[error("cannot remove the cgroup {path}: {source}; `rmdir` it once its processes have ended")]
    Remove { path: PathBuf, source: io::Error },
    #[error(
        "the engine's cgroup driver is {driver:?}, and a parent cgroup can be had with cgroupfs and systemd only; run the engine as root"
    )]
    UnknownDriver { driver: String },
}
