//! The command on real programs, without an engine. Needs root.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

mod arguments;
mod attached;
mod bad_input;
mod capabilities;
mod checkpoint;
mod elsewhere;
mod evidence;
mod forms;
mod hot_path;
mod i386;
mod lifetime;
mod privileges;
mod storm;
mod strace_oracle;
mod stray;
mod strict;
mod systemd;
mod tracepoints;
mod verify;

use std::path::{Path, PathBuf};
use std::process::Command;

use profiler::recording::Recording;
use profiler_tests::{Trace, assert_root, profiler, recording, run};

/// Records a program to its end; panics unless it ends well.
fn record(command: &[&str]) -> Recording {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.json");
    run(record_command(&mut profiler(), &path).args(command)).expect_code(0);
    recording(&path)
}

/// The same, with strace around the recorder and all that it starts.
fn record_traced(program: &Path) -> (Recording, Trace) {
    let trace = Trace::new();
    let recording = record_under(&trace, &[program.to_str().unwrap()]);
    (recording, trace)
}

fn record_under(trace: &Trace, command: &[&str]) -> Recording {
    assert_root();
    let (_folder, path) = output();
    let mut strace = trace.command();
    strace.arg(profiler_tests::profiler_path());
    run(record_command(&mut strace, &path).args(command)).expect_code(0);
    recording(&path)
}

fn record_command<'a>(command: &'a mut Command, output: &Path) -> &'a mut Command {
    command.args(["record", "-o"]).arg(output).arg("--")
}

/// A folder that is removed with the test, and a file in it.
fn output() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.json");
    (folder, path)
}
