//! What the command must not leave on the machine: cgroups, pinned BPF objects, running programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::wait_until;

/// Deep enough for a container's cgroup below ours.
const DEPTH: usize = 4;

/// What was there before a test began.
pub struct Leftovers {
    before: BTreeSet<PathBuf>,
}

impl Leftovers {
    pub fn watch() -> Self {
        Self { before: ours() }
    }

    /// Panics where something of ours is there that was not before. The kernel removes a cgroup
    /// only some time after its last process, so it gets a moment.
    #[track_caller]
    pub fn expect_none(&self) {
        wait_until(&format!("left behind: {:?}", self.added()), || {
            self.added().is_empty()
        });
    }

    fn added(&self) -> Vec<PathBuf> {
        ours().difference(&self.before).cloned().collect()
    }
}

/// In any cgroup hierarchy and on the BPF file system.
fn ours() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for root in ["/sys/fs/cgroup", "/sys/fs/bpf"] {
        collect(Path::new(root), DEPTH, &mut found);
    }
    found
}

fn collect(folder: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("profiler") {
            if !in_use(&name) {
                found.insert(path);
            }
        } else if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, depth - 1, found);
        }
    }
}

/// Of `profiler-PID-…`: whether that process is still there, so that this is at work and not left.
fn in_use(name: &str) -> bool {
    name.split('-')
        .nth(1)
        .is_some_and(|pid| !pid.is_empty() && Path::new("/proc").join(pid).exists())
}
