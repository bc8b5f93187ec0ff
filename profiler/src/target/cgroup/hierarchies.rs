//! Where the cgroup file systems are mounted.

use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::CgroupError;
use crate::recording::CgroupMode;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchies {
    pub mode: CgroupMode,
    /// Where v2 is mounted.
    pub unified: PathBuf,
    /// Where the hierarchies of v1 are mounted; empty where v2 is alone.
    pub controllers: Vec<PathBuf>,
    /// The cgroup that `unified` shows, as paths in `/proc/PID/cgroup` have it: `/`, but for a
    /// container without a cgroup namespace.
    pub(super) root: PathBuf,
}

impl Hierarchies {
    pub fn find() -> Result<Self, CgroupError> {
        const PATH: &str = "/proc/self/mountinfo";
        let mounts = std::fs::read_to_string(PATH)
            .map_err(|source| CgroupError::Proc { path: PATH, source })?;
        Self::parse(&mounts)
    }

    /// `mounts`: proc_pid_mountinfo(5).
    pub fn parse(mounts: &str) -> Result<Self, CgroupError> {
        let mut unified = None;
        let mut controllers = Vec::new();
        for line in mounts.lines() {
            let Some(mount) = Mount::parse(line) else {
                continue;
            };
            match mount.file_system {
                "cgroup2" => unified = unified.or(Some((mount.point, mount.root))),
                "cgroup" => controllers.push(mount.point),
                _ => {}
            }
        }
        let (unified, root) = unified.ok_or(CgroupError::NoUnified)?;
        let mode = if controllers.is_empty() {
            CgroupMode::V2
        } else {
            CgroupMode::Hybrid
        };
        Ok(Self {
            mode,
            unified,
            controllers,
            root,
        })
    }
}

struct Mount<'a> {
    root: PathBuf,
    point: PathBuf,
    file_system: &'a str,
}

impl<'a> Mount<'a> {
    /// `31 23 0:28 ROOT POINT OPTIONS [TAG…] - TYPE SOURCE OPTIONS`
    fn parse(line: &'a str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        Some(Self {
            root: unescape(place.next()?),
            point: unescape(place.next()?),
            file_system: kind.split(' ').next()?,
        })
    }
}

/// Blanks, newlines and backslashes stand as three octal digits behind a backslash.
fn unescape(field: &str) -> PathBuf {
    let bytes = field.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let octal = (byte == b'\\')
            .then(|| field.get(at + 1..at + 4))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(octal.unwrap_or(byte));
        at += if octal.is_some() { 4 } else { 1 };
    }
    std::ffi::OsString::from_vec(out).into()
}

#[cfg(test)]
mod tests {
    use super::{CgroupError, CgroupMode, Hierarchies};
    use std::path::PathBuf;

    #[test]
    fn version_2_alone() {
        let found = Hierarchies::parse(
            "24 30 0:22 / /proc rw,nosuid - proc proc rw\n\
             35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
        )
        .unwrap();
        assert_eq!(found.mode, CgroupMode::V2);
        assert_eq!(found.unified, PathBuf::from("/sys/fs/cgroup"));
        assert!(found.controllers.is_empty());
        assert_eq!(found.root, PathBuf::from("/"));
    }

    #[test]
    fn version_2_beside_version_1() {
        let found = Hierarchies::parse(
            "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
             32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             40 31 0:37 / /sys/fs/cgroup/systemd rw shared:3 - cgroup cgroup rw,name=systemd\n\
             41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 cgroup2 rw\n",
        )
        .unwrap();
        assert_eq!(found.mode, CgroupMode::Hybrid);
        assert_eq!(found.unified, PathBuf::from("/sys/fs/cgroup/uni fied"));
        assert_eq!(
            found.controllers,
            ["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/systemd"].map(PathBuf::from)
        );
    }

    #[test]
    fn version_1_alone_is_refused_with_its_mend() {
        let error = Hierarchies::parse(
            "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\nrubbish\n",
        )
        .unwrap_err();
        assert!(matches!(error, CgroupError::NoUnified));
        assert!(error.to_string().contains("mount -t cgroup2"), "{error}");
    }
}
