//! What a command starts in: its cgroup, its filter, its streams, and what cannot start.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use super::{OPEN, Place, exits, text, without};

#[test]
fn exit_code_and_streams_are_the_commands_own() {
    let place = Place::new();
    let mut child = place
        .command(&["sh", "-c", "cat; echo to stderr >&2; exit 7"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"through stdin\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    exits(&place, &output, 7);
    assert_eq!(text(&output.stdout), "through stdin\n");
    assert_eq!(text(&output.stderr), "to stderr\n");
}

#[test]
fn a_signals_exit_code_is_128_and_its_number() {
    let place = Place::new();
    let output = place
        .command(&["sh", "-c", "kill -SEGV $$"])
        .output()
        .unwrap();
    exits(&place, &output, 128 + libc::SIGSEGV);
}

#[test]
fn it_runs_in_the_cgroup_and_behind_the_filter() {
    let place = Place::new();
    let output = place
        .command(&["cat", "/proc/self/cgroup", "/proc/self/status"])
        .output()
        .unwrap();
    exits(&place, &output, 0);
    let shown = text(&output.stdout);
    let name = place.cgroup.file_name().unwrap().to_str().unwrap();
    assert!(shown.contains(&format!("0::/{name}\n")), "{shown}");
    assert!(shown.contains("Seccomp:\t2\n"), "{shown}");
    assert!(shown.contains("Seccomp_filters:\t1\n"), "{shown}");
    assert!(shown.contains("NoNewPrivs:\t0\n"), "{shown}");
    assert!(
        place.report().contains("no_new_privileges: false"),
        "{}",
        place.report()
    );
}

#[test]
fn the_filter_denies() {
    let place = Place::new();
    let profile = without("getppid");
    let run = |profile: &str| {
        let output = place
            .with("stop:0", profile, "-", &["sh", "-c", "echo $PPID"])
            .output()
            .unwrap();
        exits(&place, &output, 0);
        text(&output.stdout).trim().to_owned()
    };
    assert_eq!(run(&profile), "-1");
    assert_ne!(run(OPEN), "-1");
}

#[test]
fn no_new_privileges_is_set_when_asked_for_and_when_needed() {
    let place = Place::new();
    let argv = ["grep", "NoNewPrivs", "/proc/self/status"];
    let asked = place.with("stop:0", OPEN, "nnp", &argv).output().unwrap();
    assert_eq!(text(&asked.stdout), "NoNewPrivs:\t1\n");
    assert!(place.report().contains("no_new_privileges: true"));

    // CAP_SYS_ADMIN dropped for good.
    let direct = place.with("stop:0", OPEN, "-", &argv);
    let needed = Command::new("setpriv")
        .args(["--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"])
        .arg(direct.get_program())
        .args(direct.get_args())
        .output()
        .unwrap();
    assert_eq!(
        text(&needed.stdout),
        "NoNewPrivs:\t1\n",
        "{}",
        text(&needed.stderr)
    );
    assert!(place.report().contains("no_new_privileges: true"));
}

#[test]
fn a_command_that_cannot_start_is_126_or_127() {
    let place = Place::new();
    let plain = place.file("plain");
    fs::write(&plain, "no program").unwrap();
    let garbage = place.file("garbage");
    fs::write(&garbage, "\x7fno program").unwrap();
    fs::set_permissions(&garbage, fs::Permissions::from_mode(0o755)).unwrap();
    let script = place.file("script");
    fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    for (argv0, code, says) in [
        ("no-such-command", 127, "command not found: no-such-command"),
        ("/no/such/command", 127, "/no/such/command"),
        (plain.to_str().unwrap(), 126, "Permission denied"),
        ("/etc", 126, "/etc"),
        (garbage.to_str().unwrap(), 126, "#!/bin/sh"),
        (script.to_str().unwrap(), 126, "interpreter"),
    ] {
        let output = place.command(&[argv0]).output().unwrap();
        exits(&place, &output, code);
        assert!(place.report().contains(says), "{}", place.report());
        assert_eq!(place.processes(), "");
    }
}

#[test]
fn a_cgroup_that_is_not_there_is_ours() {
    let mut place = Place::new();
    let real = place.cgroup.clone();
    place.cgroup = "/sys/fs/cgroup/no-such".into();
    let output = place.command(&["true"]).output().unwrap();
    exits(&place, &output, 125);
    assert!(
        place.report().contains("/sys/fs/cgroup/no-such"),
        "{}",
        place.report()
    );
    place.cgroup = real;
}

#[test]
fn a_filter_that_refuses_exec_has_a_clear_end() {
    let place = Place::new();
    let nothing = |action: &str| format!(r#"{{"defaultAction": "{action}"}}"#);
    for (profile, how) in [
        (without("execve"), "EPERM"),
        (nothing("SCMP_ACT_ERRNO"), "EPERM"),
        (nothing("SCMP_ACT_KILL"), "SIGSYS"),
        (nothing("SCMP_ACT_KILL_PROCESS"), "SIGSYS"),
        (nothing("SCMP_ACT_TRAP"), "SIGSYS"),
    ] {
        let output = place
            .with("stop:0", &profile, "-", &["true"])
            .output()
            .unwrap();
        exits(&place, &output, 126);
        let report = place.report();
        assert!(
            report.contains("refused to start true") && report.contains(how),
            "{report}"
        );
    }
    // Killed after exec: that is the command's own end.
    let profile = r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS",
        "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}"#;
    let output = place
        .with("stop:0", profile, "-", &["true"])
        .output()
        .unwrap();
    exits(&place, &output, 128 + libc::SIGSYS);
}

#[test]
fn arguments_and_environment_arrive_byte_for_byte() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let odd = std::ffi::OsStr::from_bytes(b"a b\xff\n*");
    let output = place
        .command(&["sh", "-c", r#"printf '%s|%s' "$1" "$ODD""#, "sh"])
        .arg(odd)
        .env("ODD", odd)
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"a b\xff\n*|a b\xff\n*");
    assert!(output.status.signal().is_none());
}
