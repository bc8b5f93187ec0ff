//! Cgroups: where they are mounted, one of our own to run a target in, and those that others made.
//!
//! Version 2 alone tells whose call it is, also where it sits beside version 1; the directories
//! of version 1 are only swept up behind the engine.

mod existing;
mod hierarchies;
mod identity;
mod parent;
mod scope;
mod tree;

pub use existing::ExistingCgroup;
pub use hierarchies::Hierarchies;
pub use identity::{container_id, is_container_id};
pub use parent::engine_parent;
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
        "the cgroup {cgroup} lies outside of the cgroup v2 mount at {mount}; run in the host's cgroup namespace"
    )]
    OutOfSight { cgroup: String, mount: PathBuf },
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
    #[error(
        "{path} is not the path of a cgroup; write it from the root of the tree, as in `/system.slice/nginx.service`"
    )]
    NotAPath { path: PathBuf },
    #[error(
        "no cgroup {path} below {mount}; the line with 0:: in /proc/PID/cgroup names that of a process"
    )]
    NotFound { path: PathBuf, mount: PathBuf },
    #[error("the root cgroup holds the whole machine, this program too; name one below it")]
    Root,
    #[error("{path} is a cgroup of version 1, which tells no caller; name one below {mount}")]
    VersionOne { path: PathBuf, mount: PathBuf },
    #[error(
        "the container {container} is in no cgroup of version 2; its runtime must join both versions, as runc does from 1.0 on"
    )]
    VersionOneAlone { container: String },
    #[error(
        "the engine's cgroup-parent {parent} is relative to a cgroup that only the engine knows; write it with a leading slash in its daemon.json"
    )]
    RelativeParent { parent: PathBuf },
    #[error("cannot read {path}: {source}; run as root")]
    Read { path: PathBuf, source: io::Error },
}
