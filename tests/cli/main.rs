//! What is typed and what comes of it, word for word: a transcript a topic.
//!
//! After a change that is meant: `TRYCMD=overwrite cargo test -p profiler-tests --test cli`, and
//! read the diff.

mod merging;

use std::fs::File;
use std::process::Stdio;

use profiler_tests::{file, profiler, profiler_path};

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .register_bin("profiler", profiler_path())
        .case("cli/*.trycmd")
        .run();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = generate(writer);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_told() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = generate(full);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125));
    assert!(
        said.starts_with("profiler: cannot write to stdout: "),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1);
}

fn generate(stdout: impl Into<Stdio>) -> std::process::Output {
    profiler()
        .arg("generate")
        .arg(file("golden/container.recording.json"))
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("the command under test starts")
}
