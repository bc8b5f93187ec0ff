//! A recorder that is killed leaves what it knew, and nothing that is in anybody's way.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use nix::mount::{MsFlags, mount, umount};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::recording::{Recording, Status};
use profiler_tests::{
    assert_root, harmless, numbers, profiler, profiler_path, program, recording, run, wait_until,
};

use super::record_command;

/// `record` at work on a shell script; ended with the test, and the script with it.
struct Recorder {
    child: Child,
    folder: tempfile::TempDir,
    output: PathBuf,
}

impl Recorder {
    fn start(checkpoint: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("recording.json");
        Self::start_in(folder, output, checkpoint, script)
    }

    /// The script runs in the folder.
    fn start_in(
        folder: tempfile::TempDir,
        output: PathBuf,
        checkpoint: &str,
        script: &str,
    ) -> Self {
        assert_root();
        let child = profiler()
            .args(["record", "--checkpoint", checkpoint, "--grace", "0s", "-o"])
            .arg(&output)
            .args(["--", "sh", "-c", script])
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stderr(File::create(folder.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            folder,
            output,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Says so to the script, which waits for a file of this name.
    fn tell(&self, name: &str) {
        fs::write(self.file(name), "").unwrap();
    }

    fn written(&self) -> Option<Recording> {
        self.output.exists().then(|| recording(&self.output))
    }

    /// Returns the checkpoint that holds it.
    fn holds(&self, call: &str) -> Recording {
        let mut found = None;
        wait_until(&format!("a checkpoint with {call}"), || {
            found = self.written().filter(|recording| has(recording, call));
            found.is_some()
        });
        found.unwrap()
    }

    /// Its own cgroup, by what the kernel says of the command.
    fn cgroup(&self) -> PathBuf {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let mut cgroup = None;
        wait_until("the command runs", || {
            let children = fs::read_to_string(&children).unwrap_or_default();
            let memberships = children
                .split_whitespace()
                .next()
                .and_then(|pid| fs::read_to_string(format!("/proc/{pid}/cgroup")).ok());
            cgroup = memberships.and_then(|text| {
                let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
                path.contains("profiler-").then(|| path.to_owned())
            });
            cgroup.is_some()
        });
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let mount = mounts
            .lines()
            .find(|line| line.split(' ').nth(2) == Some("cgroup2"));
        let mount = mount.unwrap().split(' ').nth(1).unwrap();
        Path::new(mount).join(cgroup.unwrap().trim_start_matches('/'))
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Not SIGKILL, which would leave the script.
        if let Ok(None) = self.child.try_wait() {
            let pid = Pid::from_raw(self.child.id().try_into().unwrap());
            let _ = kill(pid, Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

fn has(recording: &Recording, call: &str) -> bool {
    recording
        .architectures
        .values()
        .any(|calls| calls.contains_key(call))
}

/// Waits for a file of the test's.
const UNTIL: &str = "await() { while ! [ -e $1 ]; do sleep 0.05; done; };";

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// BPF programs that are loaded by a process, by its descriptors.
fn loaded_programs(process: u32) -> usize {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fdinfo")) else {
        return 0;
    };
    descriptors
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .filter(|info| info.contains("prog_tag:"))
        .count()
}

#[test]
fn a_killed_recorder_leaves_its_last_checkpoint_and_nothing_in_the_way() {
    let pinned = || fs::read_dir("/sys/fs/bpf").map_or(0, Iterator::count);
    let pinned_before = pinned();
    let script = format!("{UNTIL} mkdir made; await go; rmdir made; echo $$ >pid; await never");
    let mut recorder = Recorder::start("1s", &script);
    let first = recorder.holds("mkdir");
    assert_eq!(first.status, Status::Checkpoint);
    assert!(!has(&first, "rmdir"), "it was not called yet");
    assert!(!first.runs[0].to_end && !first.runs[0].outcome.passed);
    let cgroup = recorder.cgroup();
    assert!(loaded_programs(recorder.child.id()) > 0);

    recorder.tell("go");
    wait_until("the script has called it", || {
        fs::read_to_string(recorder.file("pid")).is_ok_and(|pid| pid.ends_with('\n'))
    });
    recorder.holds("rmdir");
    recorder.kill();

    let left = recorder.written().unwrap();
    assert!(has(&left, "rmdir"));
    let ran = run(profiler().arg("generate").arg(&recorder.output)).expect_code(0);
    assert!(
        ran.stderr.contains("the recorder did not come to its end"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("rmdir"));

    // The command goes on, as nobody told it otherwise; what it sits in goes with it.
    assert_eq!(pinned(), pinned_before);
    fs::write(cgroup.join("cgroup.kill"), "1").unwrap();
    wait_until("its cgroup can be removed", || {
        fs::remove_dir(&cgroup).is_ok()
    });
    let again = recorder.file("again.json");
    run(record_command(&mut profiler(), &again).arg("true")).expect_code(0);
    assert_eq!(recording(&again).status, Status::Complete);
}

#[test]
fn what_is_new_is_there_in_time_and_nothing_is_written_without_it() {
    let script =
        format!("{UNTIL} await go; mkdir made; echo $$ >made/it; await end; rmdir made/it");
    let recorder = Recorder::start("200ms", &script);
    recorder.holds("execve");
    // It calls nothing new while it waits: in the end nothing is written any more.
    let mut last = modified(&recorder.output);
    wait_until("the checkpoints are at rest", || {
        std::thread::sleep(Duration::from_secs(1));
        let now = modified(&recorder.output);
        std::mem::replace(&mut last, now) == now
    });
    recorder.tell("go");
    wait_until("the script has called it", || {
        recorder.file("made/it").exists()
    });
    recorder.holds("mkdir");
    assert!(modified(&recorder.output) > last);
}

#[test]
fn facts_that_are_no_new_call_are_in_it_too() {
    // The second chmod is the first that needs CAP_FOWNER.
    let script = format!(
        "{UNTIL} : >file; chown 1 file; chown 0 file; chmod 600 file; await go; chown 1 file; chmod 600 file; : >done; await never"
    );
    let recorder = Recorder::start("200ms", &script);
    recorder.holds("fchmodat");
    let needs = |recording: &Recording| {
        let mut checks = recording.capabilities.checks.iter();
        checks.any(|check| check.capability == "CAP_FOWNER" && check.granted)
    };
    assert!(!needs(&recorder.written().unwrap()));
    recorder.tell("go");
    wait_until("the script has called it", || {
        recorder.file("done").exists()
    });
    wait_until("a checkpoint with the capability", || {
        needs(&recorder.written().unwrap())
    });
}

#[test]
fn none_where_none_are_wanted() {
    let script = format!("{UNTIL} await end");
    let mut recorder = Recorder::start("0s", &script);
    let cgroup = recorder.cgroup();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(!recorder.output.exists());
    recorder.tell("end");
    assert!(recorder.child.wait().unwrap().success());
    assert_eq!(recorder.written().unwrap().status, Status::Complete);
    assert!(!cgroup.exists());
}

#[test]
fn a_disk_that_is_full_meanwhile_is_told_and_the_recording_rescued() {
    let disk = tempfile::tempdir().unwrap();
    let size = Some("size=64k");
    mount(
        Some("small"),
        disk.path(),
        Some("tmpfs"),
        MsFlags::empty(),
        size,
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = disk.path().join("recording.json");
    let script = format!("{UNTIL} await go; mkdir made; await end");
    let mut recorder = Recorder::start_in(folder, output.clone(), "200ms", &script);
    recorder.holds("execve");
    let before = fs::read(&output).unwrap();
    fs::write(disk.path().join("filler"), vec![0; 1 << 20]).unwrap_err();
    recorder.tell("go");
    let said = || fs::read_to_string(recorder.file("stderr")).unwrap();
    wait_until("the recorder tells it", || {
        said().contains("no checkpoint was written") && said().contains("space")
    });
    assert_eq!(fs::read(&output).unwrap(), before, "the last one is whole");
    recorder.tell("end");
    let said = recorder.file("stderr");
    assert_eq!(recorder.child.wait().unwrap().code(), Some(125));
    let said = fs::read_to_string(said).unwrap();
    let rescued = recorder.file("recording.json");
    assert!(said.contains(rescued.to_str().unwrap()), "{said}");
    let kept = recording(&rescued);
    assert!(has(&kept, "mkdir") && kept.status == Status::Complete);
    umount(disk.path()).unwrap();
}

/// Beside stress on all cores.
#[test]
fn a_storm_with_checkpoints_is_complete() {
    assert_root();
    let mut stress = std::process::Command::new("stress-ng")
        .args(["--cpu", "0", "--fork", "1", "--timeout", "300", "--quiet"])
        .spawn()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("recording.json");
    let storm = program("storm");
    let ran = run(std::process::Command::new(profiler_path())
        .args(["record", "--checkpoint", "200ms", "-o"])
        .arg(&output)
        .arg("--")
        .arg(storm));
    // Not SIGKILL: it ends its own.
    let pid = i32::try_from(stress.id()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    stress.wait().unwrap();
    ran.expect_code(0);
    let recording = recording(&output);
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
    assert_eq!(recording.status, Status::Complete);
    let recorded = numbers(&recording, "SCMP_ARCH_X86_64");
    let missing: Vec<_> = harmless().difference(&recorded).copied().collect();
    assert!(missing.is_empty(), "{missing:?}");
}
