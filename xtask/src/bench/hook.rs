//! The peer that is a hook of Podman's: oci-seccomp-bpf-hook compiles its program when a container
//! starts, and notes what that calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell::output;

/// Where Debian's package puts hooks.
const HOOKS: &str = "/usr/share/containers/oci/hooks.d";

/// Below what a process may have where Podman runs in a container itself: it asks for more.
const LIMITS: [&str; 4] = ["--ulimit", "nofile=1024", "--ulimit", "nproc=1024"];

/// A Podman with a folder of its own, and one program as its containers' file system; removed in the
/// end.
pub(super) struct Hook {
    folder: PathBuf,
}

impl Hook {
    /// Containers have the program as `/NAME`.
    pub(super) fn provide(folder: PathBuf, program: &Path) -> Result<Self> {
        let hook = Self { folder };
        let root = hook.folder.join("file-system");
        fs::create_dir_all(&root).with_context(|| root.display().to_string())?;
        let name = program.file_name().context("a program has a name")?;
        fs::copy(program, root.join(name)).with_context(|| program.display().to_string())?;
        Ok(hook)
    }

    /// Of a container that the hook looks at, to which the caller adds what it runs.
    pub(super) fn command(&self) -> Command {
        let mut noted = std::ffi::OsString::from("io.containers.trace-syscall=of:");
        noted.push(self.folder.join("noted.json"));
        let mut command = self.podman();
        command
            .args(["--hooks-dir", HOOKS])
            .args(["run", "--rm", "--network", "none"])
            .args(LIMITS)
            .args(["--security-opt", "seccomp=unconfined"])
            .arg("--annotation")
            .arg(noted)
            .arg("--rootfs")
            .arg(self.folder.join("file-system"));
        command
    }

    fn podman(&self) -> Command {
        let mut command = Command::new("podman");
        for (option, name) in [
            ("--root", "root"),
            ("--runroot", "run"),
            ("--tmpdir", "tmp"),
        ] {
            command.arg(option).arg(self.folder.join(name));
        }
        // crun refuses hybrid cgroups; vfs mounts nothing.
        command
            .args(["--runtime", "runc", "--cgroup-manager", "cgroupfs"])
            .args(["--storage-driver", "vfs", "--events-backend", "file"]);
        command
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        let _ = output(self.podman().args(["rm", "--all", "--force"]));
        let _ = fs::remove_dir_all(&self.folder);
    }
}
