//! What is typed and what comes of it, word for word: a transcript a topic.
//!
//! After a change that is meant: `TRYCMD=overwrite cargo test -p profiler-tests --test cli`, and
//! read the diff.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .register_bin("profiler", profiler())
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
    Command::new(profiler())
        .arg("generate")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/container.recording.json"))
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

/// The command under test, as cargo built it beside this test.
fn profiler() -> PathBuf {
    // target/debug/deps/cli-1234 → target/debug/profiler
    let own = std::env::current_exe().expect("the kernel knows what it runs");
    let target = own
        .ancestors()
        .nth(2)
        .expect("cargo puts tests into target/PROFILE/deps");
    let path = target.join("profiler");
    assert!(
        path.exists(),
        "{} is not there: run `cargo build` first",
        path.display()
    );
    path
}
