//! Cgroups that somebody else made: watched, never changed.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::identity::cgroup_of;
use super::tree::{self, gone, locate, unified_membership};
use super::{CgroupError, Hierarchies};

/// A v2 cgroup as it was when it was looked up; it may be gone since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingCgroup {
    path: PathBuf,
    directory: PathBuf,
    id: u64,
}

impl ExistingCgroup {
    /// `path`: from the tree's root, as in `/proc/PID/cgroup` (`/system.slice/x.service`), or the
    /// directory (`/sys/fs/cgroup/system.slice/x.service`).
    pub fn at(hierarchies: &Hierarchies, path: &Path) -> Result<Self, CgroupError> {
        let path = in_tree(hierarchies, path)?;
        if path == Path::new("/") {
            return Err(CgroupError::Root);
        }
        Self::find(hierarchies, &path)?.ok_or_else(|| CgroupError::NotFound {
            path,
            mount: hierarchies.unified.clone(),
        })
    }

    /// The cgroup that was made for a container, by one of its processes. `None`: the process is
    /// gone, or its pid is another's by now.
    pub fn of_container(
        hierarchies: &Hierarchies,
        id: &str,
        process: i32,
    ) -> Result<Option<Self>, CgroupError> {
        let Some(memberships) = memberships(process)? else {
            return Ok(None);
        };
        let own = unified_membership(&memberships).and_then(|path| cgroup_of(id, path));
        match own {
            Some(own) => Self::find(hierarchies, Path::new(own)),
            None if memberships.contains(id) => Err(CgroupError::VersionOneAlone {
                container: id.to_owned(),
            }),
            None => Ok(None),
        }
    }

    /// `path`: from the tree's root. `None` where there is no such cgroup.
    fn find(hierarchies: &Hierarchies, path: &Path) -> Result<Option<Self>, CgroupError> {
        let directory = in_sight(hierarchies, path)?;
        match tree::id(&directory) {
            Ok(id) if directory.is_dir() => Ok(Some(Self {
                path: path.to_owned(),
                directory,
                id,
            })),
            Ok(_) => Ok(None),
            Err(error) if gone(&error) => Ok(None),
            Err(source) => Err(CgroupError::Read {
                path: directory,
                source,
            }),
        }
    }

    /// Made where it is not there, with what is missing above it, and left alone from then on:
    /// an engine makes its containers' cgroups below it.
    pub(super) fn find_or_make(
        hierarchies: &Hierarchies,
        path: &Path,
    ) -> Result<Self, CgroupError> {
        let directory = in_sight(hierarchies, path)?;
        let id = std::fs::create_dir_all(&directory)
            .and_then(|()| tree::id(&directory))
            .map_err(|source| CgroupError::Create {
                mend: super::scope::mend(&source),
                path: directory.clone(),
                source,
            })?;
        Ok(Self {
            path: path.to_owned(),
            directory,
            id,
        })
    }

    /// From the tree's root, as `/proc/PID/cgroup` has it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// As `bpf_get_current_cgroup_id` tells it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether it has not been removed, nor made anew, since it was looked up.
    pub fn is_there(&self) -> bool {
        tree::id(&self.directory).is_ok_and(|id| id == self.id)
    }

    /// The cgroup that it lies in; `None` at the root, and where it has gone.
    pub fn parent(&self, hierarchies: &Hierarchies) -> Result<Option<Self>, CgroupError> {
        match self.path.parent() {
            Some(path) => Self::find(hierarchies, path),
            None => Ok(None),
        }
    }

    /// All cgroups below it, parents first. One that is made meanwhile may be missing.
    pub fn descendants(&self) -> Result<Vec<Self>, CgroupError> {
        let found =
            tree::with_descendants(&self.directory).map_err(|source| self.unread(source))?;
        let below = found.into_iter().filter_map(|directory| {
            let below = directory.strip_prefix(&self.directory).ok()?;
            // Gone since: nothing runs in it.
            let id = tree::id(&directory).ok()?;
            (!below.as_os_str().is_empty()).then(|| Self {
                path: self.path.join(below),
                id,
                directory: directory.clone(),
            })
        });
        Ok(below.collect())
    }

    /// In this cgroup and in those below it, in no order; 0 for one that our pid namespace does
    /// not show.
    pub fn processes(&self) -> Result<Vec<i32>, CgroupError> {
        tree::processes(&self.directory).map_err(|source| self.unread(source))
    }

    fn unread(&self, source: io::Error) -> CgroupError {
        CgroupError::Read {
            path: self.directory.clone(),
            source,
        }
    }
}

fn in_sight(hierarchies: &Hierarchies, path: &Path) -> Result<PathBuf, CgroupError> {
    locate(hierarchies, path).ok_or_else(|| CgroupError::OutOfSight {
        cgroup: path.display().to_string(),
        mount: hierarchies.unified.clone(),
    })
}

/// Of `/proc/PID/cgroup`; `None` where the process is gone. A name that is not UTF-8 is one that
/// a container gave to a cgroup of its own, below what is looked for.
fn memberships(process: i32) -> Result<Option<String>, CgroupError> {
    let path = format!("/proc/{process}/cgroup");
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                || error.raw_os_error() == Some(libc::ESRCH) =>
        {
            Ok(None)
        }
        Err(source) => Err(CgroupError::Read {
            path: path.into(),
            source,
        }),
    }
}

fn in_tree(hierarchies: &Hierarchies, path: &Path) -> Result<PathBuf, CgroupError> {
    let plain = |part: Component| matches!(part, Component::RootDir | Component::Normal(_));
    if !path.is_absolute() || !path.components().all(plain) {
        return Err(CgroupError::NotAPath {
            path: path.to_owned(),
        });
    }
    if let Ok(below) = path.strip_prefix(&hierarchies.unified) {
        return Ok(hierarchies.root.join(below));
    }
    if hierarchies
        .controllers
        .iter()
        .any(|mount| path.starts_with(mount))
    {
        return Err(CgroupError::VersionOne {
            path: path.to_owned(),
            mount: hierarchies.unified.clone(),
        });
    }
    // Without a trailing slash.
    Ok(path.components().collect())
}

#[cfg(test)]
mod tests {
    use super::{ExistingCgroup, Hierarchies};
    use crate::recording::CgroupMode;
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    /// Plain directories serve: only names and inode numbers are asked for.
    fn place() -> (tempfile::TempDir, Hierarchies) {
        let place = tempfile::tempdir().unwrap();
        let hierarchies = Hierarchies {
            mode: CgroupMode::Hybrid,
            unified: place.path().join("unified"),
            controllers: vec![place.path().join("memory")],
            root: "/".into(),
        };
        fs::create_dir_all(hierarchies.unified.join("a.slice/x.service/nested")).unwrap();
        (place, hierarchies)
    }

    #[test]
    fn both_forms_of_a_path_are_the_same_cgroup() {
        let (_place, hierarchies) = place();
        let directory = hierarchies.unified.join("a.slice/x.service");
        let found = ExistingCgroup::at(&hierarchies, Path::new("/a.slice/x.service/")).unwrap();
        assert_eq!(found.path(), Path::new("/a.slice/x.service"));
        assert_eq!(found.id(), directory.metadata().unwrap().ino());
        assert_eq!(ExistingCgroup::at(&hierarchies, &directory).unwrap(), found);
        let parent = found.parent(&hierarchies).unwrap().unwrap();
        assert_eq!(parent.path(), Path::new("/a.slice"));
        let below = parent.descendants().unwrap();
        assert_eq!(
            below.iter().map(ExistingCgroup::path).collect::<Vec<_>>(),
            ["/a.slice/x.service", "/a.slice/x.service/nested"].map(Path::new)
        );
        assert_eq!(below[0], found);
        assert!(found.is_there());
        fs::remove_dir_all(&directory).unwrap();
        assert!(!found.is_there());
        assert!(found.descendants().unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_watched_is_said_with_its_mend() {
        let (place, hierarchies) = place();
        let said = |path: &str| {
            ExistingCgroup::at(&hierarchies, Path::new(path))
                .unwrap_err()
                .to_string()
        };
        assert!(said("/none.slice").contains("/proc/PID/cgroup"));
        assert!(said("/").contains("whole machine"));
        assert!(said(hierarchies.unified.to_str().unwrap()).contains("whole machine"));
        assert!(said("a.slice").contains("from the root"));
        assert!(said("/a.slice/../a.slice").contains("from the root"));
        let v1 = place.path().join("memory/a.slice");
        assert!(said(v1.to_str().unwrap()).contains("version 1"));
    }

    #[test]
    fn a_container_sees_its_own_part_of_the_tree() {
        let (_place, mut hierarchies) = place();
        hierarchies.root = "/docker/x".into();
        let at = |path: &str| ExistingCgroup::at(&hierarchies, Path::new(path));
        let found = at("/docker/x/a.slice").unwrap();
        assert_eq!(found.directory(), hierarchies.unified.join("a.slice"));
        assert_eq!(at(found.directory().to_str().unwrap()).unwrap(), found);
        assert!(
            at("/a.slice")
                .unwrap_err()
                .to_string()
                .contains("namespace")
        );
    }

    #[test]
    fn a_process_that_is_gone_has_none() {
        let (_place, hierarchies) = place();
        let id = "0".repeat(64);
        let of = |process| ExistingCgroup::of_container(&hierarchies, &id, process).unwrap();
        assert_eq!(of(i32::MAX), None);
        // Ours is no container of that id.
        assert_eq!(of(i32::try_from(std::process::id()).unwrap()), None);
    }
}
