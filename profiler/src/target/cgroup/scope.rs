//! A v2 cgroup of our own: the scope that the kernel side watches.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::tree::{self, gone, locate, unified_membership, with_descendants};
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
        let parent =
            locate(hierarchies, Path::new(own)).ok_or_else(|| CgroupError::OutOfSight {
                cgroup: own.to_owned(),
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
            .and_then(|()| tree::id(&path))
            .map_err(|source| CgroupError::Create {
                mend: mend(&source),
                path: path.clone(),
                source,
            })?;
        Ok(Self {
            path,
            id,
            parent_argument,
            shadows,
            removed: false,
        })
    }

    /// As `bpf_get_current_cgroup_id` tells it.
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
        tree::processes(&self.path)
    }

    /// The first of these files that the kernel has for it, as a number: what it counts at most.
    pub fn peak(&self, names: &[&str]) -> Option<u64> {
        let folders = std::iter::once(&self.path).chain(&self.shadows);
        let mut files = folders.flat_map(|folder| names.iter().map(|name| folder.join(name)));
        files.find_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok())
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

pub(super) fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "run as root",
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount cgroup2 writable (`mount -o remount,rw` it, or run outside of the container)"
        }
        io::ErrorKind::AlreadyExists => "remove it with rmdir",
        _ => "see that cgroup v2 is mounted, writable, and within cgroup.max.descendants",
    }
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
    use super::{Hierarchies, ScopeCgroup, mend};
    use crate::recording::CgroupMode;
    use std::path::Path;

    fn mounted(root: &str) -> Hierarchies {
        Hierarchies {
            mode: CgroupMode::V2,
            unified: "/sys/fs/cgroup".into(),
            controllers: Vec::new(),
            root: root.into(),
        }
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
    fn a_peak_is_read_where_the_kernel_has_it() {
        let place = tempfile::tempdir().unwrap();
        let [unified, memory] = ["unified", "memory"].map(|name| place.path().join(name));
        let hierarchies = Hierarchies {
            mode: CgroupMode::Hybrid,
            unified: unified.clone(),
            controllers: vec![memory.clone()],
            ..mounted("/")
        };
        std::fs::create_dir(&unified).unwrap();
        let scope = ScopeCgroup::engine_parent(&hierarchies, "cgroupfs", "profiler-1-a").unwrap();
        let names = ["memory.peak", "memory.max_usage_in_bytes"];
        assert_eq!(scope.peak(&names), None);
        let shadow = memory.join("profiler-1-a");
        std::fs::create_dir_all(&shadow).unwrap();
        std::fs::write(shadow.join("memory.max_usage_in_bytes"), "4096\n").unwrap();
        assert_eq!(scope.peak(&names), Some(4096));
        std::fs::remove_file(shadow.join("memory.max_usage_in_bytes")).unwrap();
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
