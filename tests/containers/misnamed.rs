//! Containers, labels and folders that are not what they were taken for: one line says it, with
//! what mends it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use profiler_tests::{Ran, docker, image, run, unique};

use super::watching::Place;

/// A tmpfs, until it is dropped: root can write into any folder that has no such border.
struct Mount(PathBuf);

impl Mount {
    fn new(path: PathBuf, options: &str) -> Self {
        fs::create_dir_all(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]);
        run(mount.arg(&path)).expect_code(0);
        Self(path)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

fn record(arguments: &[&str], output: &Path) -> Ran {
    let mut command = profiler_tests::profiler();
    command.arg("record").args(arguments);
    run(command.args(["--quiet", "-o"]).arg(output))
}

#[test]
fn a_label_that_nobody_has() {
    let place = Place::new();
    let label = format!("{}x", place.label());
    // It is another label that this one has.
    let test = format!(
        "docker run --rm --network none --label {} {} true",
        place.label(),
        image("busybox")
    );
    let project = unique("project");
    for (option, value, test) in [
        ("--label", &label, "true"),
        ("--label", &label, &*test),
        ("--compose-project", &project, "true"),
    ] {
        let ran = run(&mut place.record(&[option, value, "--test", test])).expect_code(125);
        ran.expect_line(&[value, "none was started while the test ran"]);
    }
    let ran = run(&mut place.record(&["--label", &label, "--duration", "1s"])).expect_code(125);
    ran.expect_line(&[&label]);
    // Where the test itself fails, that is what counts.
    let ran = run(&mut place.record(&["--label", &label, "--test", "exit 9"])).expect_code(9);
    ran.expect_line(&[&label]);
    let ran = run(&mut place.record(&["--label", "=v", "--test", "true"])).expect_code(125);
    ran.expect_line(&["=v", "KEY=VALUE"]);
    assert!(place.recordings().is_empty());
    place.expect_nothing_left();
}

#[test]
fn a_container_that_is_not_there_or_does_not_run() {
    let place = Place::new();
    let name = place.service(&[]);
    let misspelt = name.replace("service", "servcie");
    let ran = run(&mut place.record(&["--container", &misspelt, "--test", "true"]));
    ran.expect_code(125).expect_line(&[&misspelt, &name]);
    let ran = run(&mut place.record(&["--container", "../x", "--test", "true"]));
    ran.expect_code(125).expect_line(&["../x"]);

    docker(&["stop", "--time", "1", &name]);
    let ran = run(&mut place.record(&["--container", &name, "--test", "true"]));
    ran.expect_code(125)
        .expect_line(&[&name, "not running", "docker start"]);
    let created = unique("created");
    docker(&[
        "create",
        "--label",
        place.label(),
        "--name",
        &created,
        &image("busybox"),
    ]);
    let ran = run(&mut place.record(&["--container", &created, "--test", "true"]));
    ran.expect_code(125).expect_line(&[&created, "not running"]);
    assert!(place.recordings().is_empty());
    place.expect_nothing_left();
}

#[test]
fn a_folder_that_cannot_be_written_to() {
    let place = Place::new();
    let name = place.service(&[]);
    let touched = place.at("touched");
    let test = format!("touch {}", touched.display());
    let arguments = ["--container", &name, "--test", &test];

    let file = place.at("file");
    fs::write(&file, "mine").unwrap();
    let ran = record(&arguments, &file).expect_code(125);
    ran.expect_line(&[file.to_str().unwrap(), "is a file"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");

    let read_only = Mount::new(place.at("read-only"), "ro");
    let ran = record(&arguments, &read_only.0).expect_code(125);
    ran.expect_line(&[read_only.0.to_str().unwrap(), "Read-only file system", "-o"]);
    assert!(!touched.exists(), "found out before anything ran");
    place.expect_nothing_left();
}

/// What was seen is kept elsewhere.
#[test]
fn a_folder_that_is_full_in_the_end() {
    let place = Place::new();
    let name = place.service(&[]);
    let full = Mount::new(place.at("full"), "size=16k");
    let elsewhere = place.at("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let test = format!("docker exec {name} ls");
    let mut command = profiler_tests::profiler();
    command
        .args(["record", "--container", &name, "--test", &test])
        .args(["--quiet", "-o"])
        .arg(&full.0)
        .env("TMPDIR", &elsewhere);
    let ran = run(&mut command).expect_code(125);
    let last = ran.stderr.lines().last().unwrap();
    let file = "busybox.recording.json";
    for words in [&full.0.join(file), &elsewhere.join(file)] {
        assert!(last.contains(words.to_str().unwrap()), "{last}");
    }
    assert_eq!(fs::read_dir(&full.0).unwrap().count(), 0);
    let kept = profiler_tests::recording(&elsewhere.join(file));
    assert_eq!(kept.sessions.len(), 1);
    place.expect_nothing_left();
}
