//! The command's streams, exit code and signals are its own; what it leaves running is ended.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::recording::{Phase, Status};
use profiler_tests::{
    Leftovers, Ran, assert_root, calls, profiler, program, recording, run, wait_until,
};

use super::{output, record_command};

#[test]
fn streams_and_exit_code_pass_through() {
    assert_root();
    let leftovers = Leftovers::watch();
    let (_folder, path) = output();
    let mut child = record_command(&mut profiler(), &path)
        .args(["sh", "-c", "cat; echo said >&2; exit 7"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"fed\n").unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).expect_code(7);
    assert_eq!(ran.stdout, "fed\n");
    assert!(ran.stderr.starts_with("said\n"), "{:?}", ran.stderr);

    let recording = recording(&path);
    assert_eq!(recording.status, Status::Complete);
    let outcome = &recording.runs[0].outcome;
    assert!(!outcome.passed, "exit 7 is no success");
    assert_eq!(outcome.subject_exit, Some(7));
    leftovers.expect_none();
}

/// A command that says on stdout that it is up, under the recorder.
fn up(path: &Path, script: &str) -> Child {
    let mut child = record_command(&mut profiler(), path)
        .args(["sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::with_capacity(1, stdout), &mut line)
        .unwrap();
    assert_eq!(line, "up\n");
    child
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn a_signal_reaches_the_command_and_the_recording_is_written() {
    assert_root();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let leftovers = Leftovers::watch();
        let (_folder, path) = output();
        let script = "trap 'exit 9' INT TERM; echo up; while :; do sleep 0.1; done";
        let child = up(&path, script);
        send(&child, signal);
        Ran::of(child.wait_with_output().unwrap()).expect_code(9);
        assert_eq!(
            recording(&path).runs[0].outcome.subject_exit,
            Some(9),
            "{signal}"
        );
        leftovers.expect_none();
    }
}

#[test]
fn a_command_that_dies_of_a_signal_exits_as_shells_say_it() {
    assert_root();
    let (_folder, path) = output();
    run(record_command(&mut profiler(), &path).args(["sh", "-c", "kill -TERM $$"]))
        .expect_code(128 + 15);
    assert_eq!(
        recording(&path).runs[0].outcome.subject_exit,
        Some(128 + 15)
    );
}

#[test]
fn what_children_and_theirs_do_is_recorded() {
    let recording = super::record(&["sh", "-c", "(sh -c 'mkdir /proc/none' & wait); true"]);
    assert!(calls(&recording, "SCMP_ARCH_X86_64", Phase::Workload).contains("mkdir"));
}

#[test]
fn a_daemon_that_outlives_the_command_does_not_outlive_the_recording() {
    assert_root();
    let leftovers = Leftovers::watch();
    let (folder, path) = output();
    let pid_file = folder.path().join("pid");
    // The daemon writes its number after its parent has gone: wait for it in the command.
    let script = format!(
        "{} {pid}; while ! [ -s {pid} ]; do sleep 0.05; done",
        program("daemonise").display(),
        pid = pid_file.display()
    );
    run(record_command(&mut profiler(), &path).args(["sh", "-c", &script])).expect_code(0);
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let process = format!("/proc/{}", pid.trim());
    wait_until("the daemon is ended", || !Path::new(&process).exists());
    assert!(calls(&recording(&path), "SCMP_ARCH_X86_64", Phase::Workload).contains("setsid"));
    leftovers.expect_none();
}
