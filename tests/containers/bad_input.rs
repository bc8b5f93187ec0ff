//! What goes wrong with an engine is said in one line, and no container or cgroup is left.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::recording::Status;
use profiler_tests::{Ran, docker, profiler, recording, run, unique, wait_until};

use super::place::Place;

/// Runs until it is asked to end, which a shell as process 1 is deaf to by itself.
const SERVICE: &str = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

impl Place {
    fn recording(&self) -> std::path::PathBuf {
        self.folder().join("recording.json")
    }

    /// `record --image IMAGE -o FILE`, to be continued.
    fn record(&self) -> std::process::Command {
        let mut command = profiler();
        command
            .args(["record", "--image", self.tag.name(), "-o"])
            .arg(self.recording());
        command
    }
}

#[test]
fn an_image_that_is_not_there() {
    let place = Place::of("busybox");
    let ran = run(profiler()
        .args([
            "record",
            "--image",
            "profiler-test/nothing:here",
            "--test",
            "true",
            "-o",
        ])
        .arg(place.recording()))
    .expect_code(125);
    ran.expect_line(&["profiler-test/nothing:here"]);
    assert!(!place.recording().exists());
    place.expect_nothing_left();
}

#[test]
fn an_engine_that_does_not_answer() {
    let place = Place::of("busybox");
    let ran = run(place
        .record()
        .env("DOCKER_HOST", "unix:///nonexistent.sock")
        .args(["--test", "true"]))
    .expect_code(125);
    ran.expect_line(&["/nonexistent.sock"]);
    place.expect_nothing_left();
}

/// Whether it is seen before the test begins or only after is a matter of luck; the end is not.
#[test]
fn a_container_that_dies_at_once() {
    let place = Place::of("busybox");
    for test in ["true", "sleep 1"] {
        let ran = run(place
            .record()
            .args(["--test", test, "--", "sh", "-c", "exit 3"]))
        .expect_code(125);
        assert!(ran.stderr.contains("exit code 3"), "{}", ran.stderr);
        let outcome = &recording(&place.recording()).runs[0].outcome;
        assert!(!outcome.passed, "{outcome:?}");
        place.expect_nothing_left();
    }
}

#[test]
fn a_test_may_end_its_container() {
    let place = Place::of("busybox");
    let test = "docker kill $PROFILER_CONTAINER";
    run(place
        .record()
        .args(["--test", test, "--", "sh", "-c", SERVICE]))
    .expect_code(0);
    let outcome = &recording(&place.recording()).runs[0].outcome;
    assert!(outcome.passed, "{outcome:?}");
    assert_eq!(outcome.subject_exit, Some(137));
    place.expect_nothing_left();
}

#[test]
fn a_program_that_the_image_does_not_have() {
    let place = Place::of("busybox");
    let ran = run(place
        .record()
        .args(["--test", "true", "--", "/no/such/program"]));
    let ran = ran.expect_code(127);
    assert!(ran.stderr.contains("/no/such/program"), "{}", ran.stderr);
    place.expect_nothing_left();
}

#[test]
fn an_image_that_names_no_command() {
    let place = Place::of("busybox");
    // Nothing but a root without a file.
    let empty = format!("profiler-test/{}", unique("empty"));
    let import = format!("tar --create --files-from /dev/null | docker import - {empty}");
    run(Command::new("sh").args(["-c", &import])).expect_code(0);
    for verb in ["record", "harden", "verify"] {
        let mut command = profiler();
        command.arg(verb);
        if verb == "verify" {
            command.arg("docker-default");
        } else {
            command.arg("-o").arg(place.recording());
        }
        let ran = run(command.args(["--image", &empty, "--test", "true"]));
        ran.expect_code(125)
            .expect_line(&[&empty, "-- PROGRAM ARGS"]);
    }
    docker(&["rmi", &empty]);
    place.expect_nothing_left();
}

#[test]
fn a_port_that_is_in_use() {
    let place = Place::of("busybox");
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let publish = format!("{}:80", listener.local_addr().unwrap().port());
    let test = "docker exec $PROFILER_CONTAINER true";
    let folder = place.folder().join("hardened");
    let mut harden = profiler();
    harden.args(["harden", "--image", place.tag.name(), "-o"]);
    harden.arg(&folder);
    for mut command in [place.record(), harden] {
        let ran = run(command
            .args(["--publish", &publish, "--test", test])
            .args(["--", "sh", "-c", SERVICE]));
        ran.expect_code(125)
            .expect_line(&["address already in use", "publish another port"]);
    }
    assert!(!folder.join("docker-run.sh").exists());
    assert!(!place.recording().exists());
    place.expect_nothing_left();
}

#[test]
fn a_test_that_fails() {
    let place = Place::of("busybox");
    run(place
        .record()
        .args(["--test", "exit 9", "--", "sh", "-c", SERVICE]))
    .expect_code(9);
    let recording = recording(&place.recording());
    assert_eq!(recording.status, Status::Complete);
    let outcome = &recording.runs[0].outcome;
    assert!(!outcome.passed);
    assert_eq!(outcome.test_exit, Some(9));
    place.expect_nothing_left();
}

#[test]
fn an_interrupt_leaves_the_recording_and_nothing_else() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let place = Place::of("busybox");
        // The log is followed on stderr: so we know that the container runs.
        let script = "trap 'exit 0' TERM; mkdir /up; echo up; while :; do sleep 0.1; done";
        let mut child = place
            .record()
            .args(["--", "sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        wait_until("the container is up", || {
            lines
                .next()
                .is_some_and(|line| line.unwrap().contains("up"))
        });
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        kill(pid, signal).unwrap();
        // Reads on, so that the recorder is never held up.
        for line in lines {
            println!("{}", line.unwrap());
        }
        child.wait().unwrap();
        let recording = recording(&place.recording());
        assert_eq!(recording.status, Status::Complete, "{signal}");
        assert!(recording.architectures["SCMP_ARCH_X86_64"].contains_key("mkdir"));
        place.expect_nothing_left();
    }
}

/// Interrupted while the test runs: the test must not be what keeps the container.
#[test]
fn an_interrupt_during_the_test() {
    let place = Place::of("busybox");
    let up = place.folder().join("up");
    let test = format!("touch {}; sleep 1000", up.display());
    let child = place
        .record()
        .args(["--test", &test, "--", "sh", "-c", SERVICE])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the test runs", || up.exists());
    kill(
        Pid::from_raw(i32::try_from(child.id()).unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert!(!recording(&place.recording()).runs[0].outcome.passed);
    place.expect_nothing_left();
}
