//! `target::command` against the kernel; needs root.
#![expect(clippy::unwrap_used, reason = "tests, and their helpers")]

mod leftovers;
mod signals;
mod start;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A cgroup and files of a test's own, removed with it.
struct Place {
    cgroup: PathBuf,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let unified = mounts
            .lines()
            .find_map(|line| {
                let fields: Vec<_> = line.split(' ').collect();
                (fields[2] == "cgroup2").then(|| fields[1])
            })
            .expect("no cgroup v2 is mounted");
        let cgroup =
            Path::new(unified).join(format!("profiler-test-{}-{count}", std::process::id()));
        fs::create_dir(&cgroup).expect("these tests need root");
        Self {
            cgroup,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn report(&self) -> String {
        fs::read_to_string(self.file("report")).unwrap()
    }

    fn processes(&self) -> String {
        fs::read_to_string(self.cgroup.join("cgroup.procs")).unwrap()
    }

    /// `argv` under the open filter.
    fn command(&self, argv: &[&str]) -> Command {
        self.with("stop:2000", OPEN, "-", argv)
    }

    fn with(&self, rule: &str, profile: &str, nnp: &str, argv: &[&str]) -> Command {
        let file = self.file("profile.json");
        fs::write(&file, profile).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_run-command"));
        command
            .arg(&self.cgroup)
            .arg(self.file("report"))
            .arg(rule)
            .arg(file)
            .args([nnp, "--"])
            .args(argv)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::write(self.cgroup.join("cgroup.kill"), "1");
        // The kernel lets go of the last process a little later than its parent does.
        let removed = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            fs::remove_dir(&self.cgroup).is_ok()
        });
        assert!(
            removed || std::thread::panicking(),
            "{} stays",
            self.cgroup.display()
        );
    }
}

const OPEN: &str = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;

/// Denies `names` with EPERM.
fn without(names: &str) -> String {
    format!(
        r#"{{"defaultAction": "SCMP_ACT_ALLOW",
             "syscalls": [{{"names": ["{names}"], "action": "SCMP_ACT_ERRNO"}}]}}"#
    )
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn exits(place: &Place, output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}: {}",
        place.report(),
        text(&output.stderr)
    );
}

fn started(mut command: Command) -> Child {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    let stdout = child.stdout.as_mut().unwrap();
    stdout.read_exact(&mut ready).unwrap();
    assert_eq!(text(&ready), "ready\n");
    child
}

fn signal(child: &Child, signal: i32) {
    let pid = i32::try_from(child.id()).unwrap();
    // SAFETY: our own child, not yet waited for.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}
