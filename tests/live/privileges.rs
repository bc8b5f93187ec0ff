//! Execs that gain privileges, by the kernel's own word (AT_SECURE); ports that ask for some.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use profiler::recording::Recording;
use profiler_tests::{assert_root, profiler, program, recording, run};

use super::{record, record_command};

/// A set-uid root copy, where another user comes to it.
fn set_uid() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("secure");
    fs::copy(program("secure"), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4755)).unwrap();
    (folder, path)
}

/// The recording, and what the program says of itself.
fn record_as(user: &[&str], program: &Path) -> (Recording, String) {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.json");
    let mut command = profiler();
    record_command(&mut command, &path)
        .arg("setpriv")
        .args(user)
        .arg(program);
    let ran = run(&mut command).expect_code(0);
    (recording(&path), ran.stdout.trim().to_owned())
}

fn gained(recording: &Recording) -> Vec<String> {
    let gains = recording.gains.as_ref().expect("the kernel side looked");
    gains
        .iter()
        .map(|gain| gain.caller.exe.as_ref().unwrap().to_string())
        .collect()
}

#[test]
fn a_set_uid_program_gains_for_another_user_only() {
    let (_folder, path) = set_uid();
    let other = ["--reuid", "1", "--regid", "1", "--clear-groups"];
    let (found, secure) = record_as(&other, &path);
    assert_eq!(secure, "1", "the kernel's word");
    assert_eq!(gained(&found), [path.to_str().unwrap()]);

    let (found, secure) = record_as(&["--reuid", "0"], &path);
    assert_eq!(secure, "0", "the kernel's word");
    assert_eq!(gained(&found), Vec::<String>::new());
}

#[test]
fn nothing_gains_with_no_new_privileges() {
    let (_folder, path) = set_uid();
    let other = [
        "--reuid",
        "1",
        "--regid",
        "1",
        "--clear-groups",
        "--no-new-privs",
    ];
    let (found, secure) = record_as(&other, &path);
    assert_eq!(secure, "0", "the kernel's word");
    assert_eq!(gained(&found), Vec::<String>::new());
}

/// By the ABI and the call that tell one way from another, whichever name libc has for them.
#[test]
fn a_port_below_1024_is_told_and_another_is_not() {
    for (built, how, architecture, call) in [
        ("port", "bind", "SCMP_ARCH_X86_64", "bind"),
        ("port", "x32", "SCMP_ARCH_X32", "bind"),
        ("port-i386", "bind", "SCMP_ARCH_X86", "bind"),
        ("port-i386", "socketcall", "SCMP_ARCH_X86", "socketcall"),
    ] {
        let bound = |port: u16| {
            let port = port.to_string();
            let found = record(&[program(built).to_str().unwrap(), &port, how]);
            assert!(
                found.architectures[architecture].contains_key(call),
                "{how}"
            );
            let ports = found.capabilities.low_ports.expect("the kernel lets us");
            ports.iter().map(|low| low.port).collect::<Vec<_>>()
        };
        assert_eq!(bound(1023), [1023], "{built} {how}");
        assert_eq!(bound(1024), Vec::<u16>::new(), "{built} {how}");
    }
}
