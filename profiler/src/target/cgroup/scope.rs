//! A v2 cgroup of our own: the scope that the kernel side watches.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::{CgroupError, Hierarchies};

/// How long a cgroup may stay busy after its last process: the kernel lets go of an exiting
/// task only some time after its parent has waited for it.
const BUSY: Duration = Duration::from_secs(3);
const RETRY: Duration = Duration::from_millis(20);

/// Removed on drop, with every cgroup below it.
#[derive(Debug)]
pub struct ScopeCgroup {
    path: PathBuf,
    id: u64,
    parent_argument: String,
    /// What the engine leaves of it in the hierarchies of v1.
    shadows: Vec<PathBuf>,
    removed: bool,
}

impl ScopeCgroup {
    /// Below the cgroup that we run in, for a command that we start ourselves.
    pub fn below_own(hierarchies: &Hierarchies, name: &str) -> Result<Self, CgroupError> {
        const PATH: &str = "/proc/self/cgroup";
        let memberships = std::fs::read_to_string(PATH)
            .map_err(|source| CgroupError::Proc { path: PATH, source })?;
        let own = unified_membership(&memberships).ok_or(CgroupError::NoUnified)?;
        let parent = locate(hierarchies, own).ok_or_else(|| CgroupError::OutOfSight {
            own: own.to_owned(),
            mount: hierarchies.unified.clone(),
        })?;
        Self::make(parent.join(name), String::new(), Vec::new())
    }

    /// At the top of the tree, for an engine to make its container in. It must exist before the
    /// container does, so that its id can be watched from the first call on; engines and systemd
    /// both take a cgroup that is there already.
    ///
    /// `driver` is the engine's cgroup driver.
    pub fn engine_parent(
        hierarchies: &Hierarchies,
        driver: &str,
        name: &str,
    ) -> Result<Self, CgroupError> {
        let (folder, argument) = match driver {
            "cgroupfs" => (name.to_owned(), format!("/{name}")),
            "systemd" => {
                // `a-b.slice` lies in `a.slice`: systemd.slice(5).
                let slice = format!("{}.slice", name.replace('-', ""));
                (slice.clone(), slice)
            }
            other => {
                return Err(CgroupError::UnknownDriver {
                    driver: other.to_owned(),
                });
            }
        };
        let shadows = hierarchies
            .controllers
            .iter()
            .map(|mount| mount.join(&folder))
            .collect();
        Self::make(hierarchies.unified.join(folder), argument, shadows)
    }

    fn make(
        path: PathBuf,
        parent_argument: String,
        shadows: Vec<PathBuf>,
    ) -> Result<Self, CgroupError> {
        let id = std::fs::create_dir(&path)
            .and_then(|()| path.metadata())
            .map_err(|source| CgroupError::Create {
                mend: mend(&source),
                path: path.clone(),
                source,
            })?
            .ino();
        Ok(Self {
            path,
            id,
            parent_argument,
            shadows,
            removed: false,
        })
    }

    /// As `bpf_get_current_cgroup_id` tells it. On 64-bit machines the directory's inode number
    /// is the id
    /// (`kernfs_id_ino`, <https://github.com/torvalds/linux/blob/v6.18/include/linux/kernfs.h>).
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `--cgroup-parent` takes; empty for a cgroup that is not for an engine.
    pub fn parent_argument(&self) -> &str {
        &self.parent_argument
    }

    /// In this cgroup and in those below it, in no order.
    pub fn processes(&self) -> io::Result<Vec<i32>> {
        let mut found = Vec::new();
        for cgroup in with_descendants(&self.path)? {
            match std::fs::read_to_string(cgroup.join("cgroup.procs")) {
                Ok(text) => found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok())),
                Err(error) if gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Sends the signal to each process; one that has just ended is no error.
    pub fn signal_all(&self, signal: Signal) -> io::Result<()> {
        for process in self.processes()? {
            // 0 stands for a process that our pid namespace does not show, and for kill(2) for
            // our own process group.
            if process <= 0 {
                continue;
            }
            match nix::sys::signal::kill(Pid::from_raw(process), signal) {
                Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Kills all, also what forks meanwhile (`cgroup.kill`, Linux 5.14).
    pub fn kill(&self) -> io::Result<()> {
        match std::fs::write(self.path.join("cgroup.kill"), "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.signal_all(Signal::SIGKILL)
            }
            other => other,
        }
    }

    /// Stops all processes where they are, as `docker pause` does on cgroup v2, but without the
    /// engine knowing: it then refuses nothing, and what joins meanwhile waits.
    pub fn freeze(&self) -> io::Result<Frozen<'_>> {
        let frozen = Frozen(self);
        frozen.set("1")?;
        Ok(frozen)
    }

    /// What drop does, with the error. A cgroup with live processes stays.
    pub fn remove(mut self) -> Result<(), CgroupError> {
        self.remove_in_place()
    }

    fn remove_in_place(&mut self) -> Result<(), CgroupError> {
        if std::mem::replace(&mut self.removed, true) {
            return Ok(());
        }
        let deadline = Instant::now() + BUSY;
        let mut outcome = Ok(());
        for path in std::iter::once(&self.path).chain(&self.shadows) {
            if let Err(source) = remove_tree(path, deadline) {
                let path = path.clone();
                outcome = Err(CgroupError::Remove { path, source });
            }
        }
        outcome
    }
}

/// Thawed on drop.
#[derive(Debug)]
pub struct Frozen<'a>(&'a ScopeCgroup);

impl Frozen<'_> {
    fn set(&self, value: &str) -> io::Result<()> {
        std::fs::write(self.0.path.join("cgroup.freeze"), value)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.set("0") {
            log::error!("cannot thaw {}: {error}", self.0.path.display());
        }
    }
}

impl Drop for ScopeCgroup {
    fn drop(&mut self) {
        if let Err(error) = self.remove_in_place() {
            log::warn!("{error}");
        }
    }
}

/// The path in the line `0::PATH` of `/proc/PID/cgroup`.
fn unified_membership(memberships: &str) -> Option<&str> {
    memberships
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        // A cgroup that was removed under its last process is marked so.
        .filter(|path| !path.ends_with(" (deleted)"))
}

/// The directory of a cgroup, where the mount shows it.
fn locate(hierarchies: &Hierarchies, cgroup: &str) -> Option<PathBuf> {
    let below = Path::new(cgroup).strip_prefix(&hierarchies.root).ok()?;
    // `/../sibling`: outside of our cgroup namespace.
    (!below.starts_with("..")).then(|| hierarchies.unified.join(below))
}

fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "run as root",
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount cgroup2 writable (`mount -o remount,rw` it, or run outside of the container)"
        }
        io::ErrorKind::AlreadyExists => "remove it with rmdir",
        _ => "see that cgroup v2 is mounted, writable, and within cgroup.max.descendants",
    }
}

/// Removed while we looked: ENODEV is what an open file of a removed cgroup answers.
fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENODEV)
}

/// Parents first; empty where `path` is gone.
fn with_descendants(path: &Path) -> io::Result<Vec<PathBuf>> {
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

fn remove_tree(path: &Path, deadline: Instant) -> io::Result<()> {
    for folder in with_descendants(path)?.iter().rev() {
        loop {
            match std::fs::remove_dir(folder) {
                Ok(()) => break,
                Err(error) if gone(&error) => break,
                Err(error)
                    if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline =>
                {
                    std::thread::sleep(RETRY);
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Hierarchies, ScopeCgroup, locate, mend, unified_membership};
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
        let found = |root, cgroup| locate(&mounted(root), cgroup);
        assert_eq!(found("/", "/"), Some(PathBuf::from("/sys/fs/cgroup")));
        assert_eq!(found("/", "/a/b"), Some("/sys/fs/cgroup/a/b".into()));
        assert_eq!(
            found("/docker/x", "/docker/x/y"),
            Some("/sys/fs/cgroup/y".into())
        );
        assert_eq!(found("/docker/x", "/elsewhere"), None);
        assert_eq!(found("/", "/../sibling"), None);
    }

    /// Plain directories serve: a driver only decides on names.
    #[test]
    fn each_driver_has_its_form_of_parent() {
        let place = tempfile::tempdir().unwrap();
        let hierarchies = Hierarchies {
            unified: place.path().to_owned(),
            ..mounted("/")
        };
        let plain = ScopeCgroup::engine_parent(&hierarchies, "cgroupfs", "profiler-1-a").unwrap();
        assert_eq!(plain.parent_argument(), "/profiler-1-a");
        assert_eq!(plain.path(), place.path().join("profiler-1-a"));
        let slice = ScopeCgroup::engine_parent(&hierarchies, "systemd", "profiler-1-a").unwrap();
        assert_eq!(slice.parent_argument(), "profiler1a.slice");
        assert_eq!(slice.path(), place.path().join("profiler1a.slice"));
        let error = ScopeCgroup::engine_parent(&hierarchies, "none", "profiler-1-a").unwrap_err();
        assert!(error.to_string().contains("\"none\""), "{error}");
    }

    #[test]
    fn all_of_it_is_gone_after_drop() {
        let place = tempfile::tempdir().unwrap();
        let [unified, memory] = ["unified", "memory"].map(|name| place.path().join(name));
        let hierarchies = Hierarchies {
            mode: CgroupMode::Hybrid,
            unified: unified.clone(),
            controllers: vec![memory.clone(), place.path().join("never")],
            ..mounted("/")
        };
        for mount in [&unified, &memory] {
            std::fs::create_dir(mount).unwrap();
        }
        let scope = ScopeCgroup::engine_parent(&hierarchies, "cgroupfs", "profiler-1-a").unwrap();
        for mount in [&unified, &memory] {
            std::fs::create_dir_all(mount.join("profiler-1-a/container/nested")).unwrap();
        }
        drop(scope);
        let left = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
        assert_eq!((left(&unified), left(&memory)), (0, 0));
    }

    #[test]
    fn a_name_that_is_taken_is_an_error_and_stays() {
        let place = tempfile::tempdir().unwrap();
        let hierarchies = Hierarchies {
            unified: place.path().to_owned(),
            ..mounted("/")
        };
        std::fs::create_dir(place.path().join("taken")).unwrap();
        let error = ScopeCgroup::engine_parent(&hierarchies, "cgroupfs", "taken").unwrap_err();
        assert!(error.to_string().contains("rmdir"), "{error}");
        assert!(place.path().join("taken").exists());
    }

    #[test]
    fn each_refusal_says_what_mends_it() {
        let said = |code| mend(&std::io::Error::from_raw_os_error(code));
        assert_eq!(said(libc::EACCES), "run as root");
        assert!(said(libc::EROFS).contains("writable"));
        assert!(said(libc::EAGAIN).contains("max.descendants"));
    }
}
