//! What is typed and what comes of it, word for word: a transcript a topic.
//!
//! After a change that is meant: `TRYCMD=overwrite cargo test -p profiler-tests --test cli`, and
//! read the diff.

mod bad_input;
mod ci;
mod merging;
mod surroundings;

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;
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

#[test]
fn what_is_too_large_or_leads_nowhere_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let (large, link) = (
        folder.path().join("large.json"),
        folder.path().join("link.json"),
    );
    let file = File::create(&large).expect("a new file");
    file.set_len(100 << 20).expect("a sparse file");
    symlink(&link, &link).expect("a new link");
    for (path, said) in [
        (large.as_path(), "is too large for a seccomp profile"),
        (Path::new("/dev/zero"), "is too large for a seccomp profile"),
        (&link, "Too many levels of symbolic links"),
    ] {
        let output = profiler().arg("lint").arg(path).output();
        let output = output.expect("the command under test starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
}
