//! Whatever a file holds, each verb that reads it says in one place what is wrong with it: exit code 2,
//! the file's name, no panic, no half result.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use profiler_tests::{Ran, file, profiler, run};

const RECORDING: &str = "golden/container.recording.json";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Recording,
    Profile,
    Capabilities,
    /// Any of them.
    Each,
}
use Wanted::{Capabilities, Each, Profile, Recording};

/// Before the file, and after it.
const VERBS: [(Wanted, &[&str], &[&str]); 11] = [
    (Recording, &["generate"], &[]),
    (Recording, &["explain"], &[]),
    (Recording, &["merge", "GOOD"], &[]),
    (Recording, &["coverage"], &[]),
    (Profile, &["lint"], &[]),
    (Profile, &["lint", "--fix"], &[]),
    (Profile, &["generate", "GOOD", "--base"], &[]),
    (Profile, &["verify"], &["--", "true"]),
    (Capabilities, &["explain", "GOOD", "--capabilities"], &[]),
    (Each, &["diff"], &["docker-default"]),
    (Each, &["diff", "docker-default"], &[]),
];

fn ran(verb: (Wanted, &[&str], &[&str]), bad: &Path) -> Ran {
    let (_, before, after) = verb;
    let good = file(RECORDING);
    let mut command: Command = profiler();
    for word in before {
        if *word == "GOOD" {
            command.arg(&good);
        } else {
            command.arg(word);
        }
    }
    run(command.arg(bad).args(after))
}

/// `lint` tells findings on stdout, with their places.
#[track_caller]
fn expect_one_error(verb: (Wanted, &[&str], &[&str]), bad: &Path) {
    let ran = ran(verb, bad);
    let told = format!("{verb:?} {}: {ran:?}", bad.display());
    assert_eq!(ran.code, 2, "{told}");
    assert!(!ran.stderr.contains("panicked"), "{told}");
    let name = bad
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if verb.1[0] == "lint" {
        let said = ran.stdout.clone() + &ran.stderr;
        let about = said
            .lines()
            .filter(|line| line.contains(name) && !line.contains("mended 0 in"));
        assert_eq!(about.count(), 1, "{told}");
    } else {
        assert_eq!(ran.stdout, "", "{told}");
        ran.expect_line(&[name]);
    }
}

#[test]
fn nothing_can_be_made_of_it() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let recording = fs::read(file(RECORDING)).expect("it is there");
    let profile = profiler::profile::OPEN.as_bytes();
    let list = br#"{"drop": ["ALL"], "add": ["CHOWN"]}"#.as_slice();
    let deep = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
    let deep_field = format!(r#"{{"format": {deep}}}"#);
    let mut not_utf8 = recording.clone();
    not_utf8[20] = 0xff;
    let contents: [(&str, &[u8], &[Wanted]); 11] = [
        ("empty", b"", &[]),
        ("nuls", &[0; 4096], &[]),
        (
            "program",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0",
            &[],
        ),
        ("deep", deep.as_bytes(), &[]),
        ("deep-field", deep_field.as_bytes(), &[]),
        ("not-utf8", &not_utf8, &[]),
        (
            "newer",
            br#"{"format": "profiler.recording", "version": 2}"#,
            &[],
        ),
        ("half-a-recording", &recording[..recording.len() / 2], &[]),
        ("half-a-profile", &profile[..profile.len() / 2], &[]),
        // Each where another is wanted.
        ("recording", &recording, &[Recording, Each]),
        ("profile", profile, &[Profile, Each]),
    ];
    for (name, content, is_fine_as) in contents {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("there is room");
        for verb in VERBS {
            if !is_fine_as.contains(&verb.0) {
                expect_one_error(verb, &path);
            }
        }
        assert!(fs::read(&path).is_ok_and(|left| left == content), "{name}");
    }
    let path = folder.path().join("list");
    fs::write(&path, list).expect("there is room");
    for verb in VERBS {
        if verb.0 != Capabilities {
            expect_one_error(verb, &path);
        }
    }
}

/// One that only aarch64 would load.
#[test]
fn it_is_for_another_architecture() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let path = folder.path().join("foreign");
    let profile = profiler::profile::OPEN.replace("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64");
    let profile = profile.replace("SCMP_ARCH_X86", "SCMP_ARCH_ARM");
    let profile = profile.replace("SCMP_ARCH_X32", "SCMP_ARCH_ARM");
    assert!(profile.contains("AARCH64"), "{profile}");
    fs::write(&path, profile).expect("there is room");
    for verb in VERBS {
        if verb.1[0] != "lint" {
            expect_one_error(verb, &path);
        }
    }
}

/// What one has and another may not: each kind of file has a limit of its own.
#[test]
fn a_recording_may_be_larger_than_a_profile() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let padded = |text: &[u8]| [text, &b" ".repeat(5 << 20)].concat();
    let recording = fs::read(file(RECORDING)).expect("it is there");
    fs::write(at("recording"), padded(&recording)).expect("there is room");
    run(profiler().arg("diff").args([&at("recording"); 2])).expect_code(0);

    fs::write(at("profile"), padded(profiler::profile::OPEN.as_bytes())).expect("there is room");
    let ran = run(profiler().arg("diff").args([&at("profile"); 2])).expect_code(2);
    ran.expect_line(&["profile is too large for a seccomp profile (4 MiB)"]);
}

#[test]
fn it_is_no_file_to_read() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let large = File::create(at("large")).expect("a new file");
    large.set_len(100 << 20).expect("a sparse file");
    symlink(at("circle"), at("circle")).expect("a new link");
    fs::create_dir(at("folder")).expect("a new folder");
    symlink("/dev/zero", at("endless")).expect("a new link");
    for verb in VERBS {
        for name in ["circle", "folder", "missing"] {
            expect_one_error(verb, &at(name));
        }
        for name in ["large", "endless"] {
            expect_one_error(verb, &at(name));
        }
    }
}

/// What comes through a pipe is judged as a file is; there is nothing to put a mended one in.
#[test]
fn a_pipe_is_judged_and_not_mended() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a new pipe");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, profiler::profile::OPEN)
    });
    let ran = run(profiler().arg("lint").arg(&pipe)).expect_code(1);
    assert!(ran.stdout.contains("default-allow"), "{ran:?}");
    writer.join().expect("no panic").expect("it was read");

    let ran = run(profiler().args(["lint", "--fix"]).arg(&pipe)).expect_code(2);
    ran.expect_line(&["pipe is no file that --fix could mend"]);
}
