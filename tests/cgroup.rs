//! A cgroup (v2) of a test's own, and the programs that it runs there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{unique, wait_until};

/// Removed with the test, and whatever runs in it ended.
pub struct Cgroup {
    mount: PathBuf,
    directory: PathBuf,
}

impl Cgroup {
    pub fn new() -> Self {
        let mounts = fs::read_to_string("/proc/mounts").expect("proc is mounted");
        let mount = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .find(|fields| fields[2] == "cgroup2")
            .map(|fields| PathBuf::from(fields[1]))
            .expect("no cgroup v2 is mounted");
        Self::make(mount.clone(), mount.join(unique("attached")))
    }

    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        Self::make(self.mount.clone(), self.directory.join(name))
    }

    fn make(mount: PathBuf, directory: PathBuf) -> Self {
        fs::create_dir(&directory).expect("root makes cgroups");
        Self { mount, directory }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// From the tree's root, as `/proc/PID/cgroup` has it.
    pub fn path(&self) -> PathBuf {
        let below = self.directory.strip_prefix(&self.mount);
        Path::new("/").join(below.expect("it was made there"))
    }

    /// A command line that joins it before its first program.
    pub fn command(&self, argv: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"echo 0 >"$0" && exec "$@""#])
            .arg(self.directory.join("cgroup.procs"))
            .args(argv);
        command
    }

    pub fn remove(&self) {
        let _ = fs::write(self.directory.join("cgroup.kill"), "1");
        wait_until("the test's cgroup is empty and gone", || {
            fs::remove_dir(&self.directory).is_ok() || !self.directory.exists()
        });
    }
}

impl Default for Cgroup {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What was made below it and outlives it goes with its own guard.
            let _ = fs::write(self.directory.join("cgroup.kill"), "1");
            std::thread::sleep(std::time::Duration::from_millis(200));
            let _ = fs::remove_dir(&self.directory);
        } else {
            self.remove();
        }
    }
}
