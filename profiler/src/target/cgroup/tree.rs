//! Finding one's way in the v2 tree: which directory a cgroup is, what lies and runs below it.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Hierarchies;

/// The path in the line `0::PATH` of `/proc/PID/cgroup`.
pub(super) fn unified_membership(memberships: &str) -> Option<&str> {
    memberships
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        // A cgroup that was removed under its last process is marked so.
        .filter(|path| !path.ends_with(" (deleted)"))
}

/// The directory of a cgroup, where the mount shows it.
pub(super) fn locate(hierarchies: &Hierarchies, cgroup: &Path) -> Option<PathBuf> {
    let below = cgroup.strip_prefix(&hierarchies.root).ok()?;
    // `/../sibling`: outside of our cgroup namespace.
    (!below.starts_with("..")).then(|| hierarchies.unified.join(below))
}

/// As `bpf_get_current_cgroup_id` tells it. On 64-bit machines the directory's inode number is
/// the id (`kernfs_id_ino`, <https://github.com/torvalds/linux/blob/v6.18/include/linux/kernfs.h>).
pub(super) fn id(directory: &Path) -> io::Result<u64> {
    directory.metadata().map(|metadata| metadata.ino())
}

/// Removed while we looked: ENODEV is what an open file of a removed cgroup answers.
pub(super) fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENODEV)
}

/// Parents first; empty where `path` is gone.
pub(super) fn with_descendants(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        match std::fs::read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry?;
                    if entry.file_type()?.is_dir() {
                        open.push(entry.path());
                    }
                }
            }
            Err(error) if gone(&error) => continue,
            Err(error) => return Err(error),
        }
        found.push(folder);
    }
    Ok(found)
}

/// In this cgroup and in those below it, in no order. 0 stands for a process that our pid
/// namespace does not show.
pub(super) fn processes(directory: &Path) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for cgroup in with_descendants(directory)? {
        match std::fs::read_to_string(cgroup.join("cgroup.procs")) {
            Ok(text) => found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok())),
            Err(error) if gone(&error) => {}
            // A threaded cgroup: its processes are those of the domain above it.
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Hierarchies, locate, unified_membership};
    use crate::recording::CgroupMode;
    use std::path::{Path, PathBuf};

    fn mounted(root: &str) -> Hierarchies {
        Hierarchies {
            mode: CgroupMode::V2,
            unified: "/sys/fs/cgroup".into(),
            controllers: Vec::new(),
            root: root.into(),
        }
    }

    #[test]
    fn our_own_cgroup_is_found_in_each_mode() {
        assert_eq!(
            unified_membership("9:name=systemd:/\n4:memory:/x\n0::/user.slice\n"),
            Some("/user.slice")
        );
        assert_eq!(unified_membership("4:memory:/x\n"), None);
        assert_eq!(unified_membership("0::/left (deleted)\n"), None);
    }

    #[test]
    fn a_cgroup_is_located_below_what_the_mount_shows() {
        let found = |root, cgroup| locate(&mounted(root), Path::new(cgroup));
        assert_eq!(found("/", "/"), Some(PathBuf::from("/sys/fs/cgroup")));
        assert_eq!(found("/", "/a/b"), Some("/sys/fs/cgroup/a/b".into()));
        assert_eq!(
            found("/docker/x", "/docker/x/y"),
            Some("/sys/fs/cgroup/y".into())
        );
        assert_eq!(found("/docker/x", "/elsewhere"), None);
        assert_eq!(found("/", "/../sibling"), None);
    }
}
