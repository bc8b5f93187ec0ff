//! What cannot be done is said in one line with an exit code of its own, and nothing is left.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount, umount};
use profiler_tests::{Leftovers, assert_root, profiler, profiler_path, run};

use super::{output, record, record_command};

#[test]
fn not_root() {
    assert_root();
    let leftovers = Leftovers::watch();
    // A copy, because nobody may enter the checkout.
    let (folder, path) = output();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = folder.path().join("profiler");
    fs::copy(profiler_path(), &copy).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(copy);
    let ran = run(record_command(&mut command, &path).arg("true")).expect_code(125);
    ran.expect_line(&["root"]);
    assert!(!path.exists());
    leftovers.expect_none();
}

#[test]
fn a_missing_capability_is_named() {
    assert_root();
    let leftovers = Leftovers::watch();
    let (_folder, path) = output();
    let mut command = Command::new("setpriv");
    command
        .args([
            "--bounding-set=-bpf,-sys_admin",
            "--inh-caps=-bpf,-sys_admin",
        ])
        .arg(profiler_path());
    let ran = run(record_command(&mut command, &path).arg("true")).expect_code(125);
    ran.expect_line(&["CAP_BPF"]);
    leftovers.expect_none();
}

#[test]
fn commands_that_cannot_start() {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "no program\n").unwrap();
    let dangling = folder.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    let cases: [(&str, i32); 5] = [
        ("no-such-command-anywhere", 127),
        ("/no/such/file", 127),
        (dangling.to_str().unwrap(), 127),
        (plain.to_str().unwrap(), 126),
        ("/etc", 126),
    ];
    for (command, code) in cases {
        let leftovers = Leftovers::watch();
        let (_folder, path) = output();
        let ran = run(record_command(&mut profiler(), &path).arg(command)).expect_code(code);
        ran.expect_line(&[command]);
        leftovers.expect_none();
    }
}

#[test]
fn an_output_path_that_is_a_folder() {
    assert_root();
    let leftovers = Leftovers::watch();
    let folder = tempfile::tempdir().unwrap();
    let ran = run(record_command(&mut profiler(), folder.path()).arg("true")).expect_code(125);
    ran.expect_line(&[folder.path().to_str().unwrap(), "directory"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    leftovers.expect_none();
}

#[test]
fn an_output_folder_that_is_not_there() {
    assert_root();
    let leftovers = Leftovers::watch();
    let ran = run(record_command(&mut profiler(), Path::new("/no/such/folder/r.json")).arg("true"))
        .expect_code(125);
    ran.expect_line(&["/no/such/folder"]);
    leftovers.expect_none();
}

/// A small file system, unmounted with the test.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let size = Some("size=64k");
        mount(
            Some("small"),
            folder.path(),
            Some("tmpfs"),
            MsFlags::empty(),
            size,
        )
        .unwrap();
        Self(folder)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = umount(self.0.path());
    }
}

#[test]
fn a_full_disk() {
    assert_root();
    let leftovers = Leftovers::watch();
    let disk = Small::mount();
    let filler = disk.0.path().join("filler");
    // Writes what fits.
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    let path = disk.0.path().join("recording.json");
    let ran = run(record_command(&mut profiler(), &path).arg("true")).expect_code(125);
    ran.expect_line(&[path.to_str().unwrap(), "space"]);
    let left: Vec<_> = fs::read_dir(disk.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [filler], "no half-written file");
    leftovers.expect_none();
}

#[test]
fn nothing_to_record() {
    let ran = run(profiler().arg("record")).expect_code(125);
    assert!(
        ran.stderr.contains("--image"),
        "what can be given is told: {}",
        ran.stderr
    );
}

#[test]
fn files_that_are_no_recording() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.json");
    let mut newer = serde_json::to_value(record(&["true"])).unwrap();
    newer["version"] = 99.into();
    let cases = [
        ("no JSON", "is no recording"),
        ("{}", "is no recording"),
        (r#"{"defaultAction": "SCMP_ACT_ERRNO"}"#, "is no recording"),
        (&newer.to_string(), "99"),
    ];
    for (content, word) in cases {
        fs::write(&path, content).unwrap();
        let ran = run(profiler().arg("generate").arg(&path)).expect_code(2);
        ran.expect_line(&[path.to_str().unwrap(), word]);
        assert!(ran.stdout.is_empty(), "half a profile: {}", ran.stdout);
    }
    let ran = run(profiler().args(["generate", "/no/such/file"])).expect_code(2);
    ran.expect_line(&["/no/such/file"]);
}
