//! A command under a profile: what is denied is named, and what is not passes.

use std::path::PathBuf;

use profiler_tests::{Leftovers, Ran, assert_root, profiler, run};

/// A profile of this test's own, and the machine as it was.
struct Place {
    folder: tempfile::TempDir,
    leftovers: Leftovers,
}

impl Place {
    fn new() -> Self {
        assert_root();
        Self {
            folder: tempfile::tempdir().unwrap(),
            leftovers: Leftovers::watch(),
        }
    }

    fn profile(&self, json: &str) -> PathBuf {
        let path = self.folder.path().join("profile.json");
        std::fs::write(&path, json).unwrap();
        path
    }

    fn verify(&self, json: &str, command: &[&str]) -> Ran {
        let ran = run(profiler()
            .arg("verify")
            .arg(self.profile(json))
            .arg("--")
            .args(command));
        self.leftovers.expect_none();
        ran
    }
}

/// All is allowed but for `names`.
fn without(names: &str, errno: i32) -> String {
    format!(
        r#"{{"defaultAction": "SCMP_ACT_ALLOW",
             "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
             "syscalls": [{{"names": [{names}], "action": "SCMP_ACT_ERRNO", "errnoRet": {errno}}}]}}"#
    )
}

#[test]
fn an_engines_default_is_loaded_by_its_name() {
    let place = Place::new();
    let ran = run(profiler()
        .args(["verify", "docker-default", "--"])
        .args(["unshare", "--user", "true"]))
    .expect_code(1);
    assert!(
        ran.stderr
            .contains("denied: unshare (x86_64) with EPERM, once"),
        "{}",
        ran.stderr
    );
    place.leftovers.expect_none();
}

#[test]
fn what_is_denied_is_named_though_the_command_passes() {
    let place = Place::new();
    // dash asks three times for one umask.
    let script = "echo $PPID; sh -c 'umask 077'; umask 022";
    let ran = place
        .verify(&without(r#""getppid", "umask""#, 1), &["sh", "-c", script])
        .expect_code(1);
    assert_eq!(ran.stdout, "-1\n", "its stdout is its own");
    let lines: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "profiler: denied: getppid (x86_64) with EPERM, twice, by sh (/usr/bin/sh); allow it or record again with what asked for it",
            "profiler: denied: umask (x86_64) with EPERM, 6 times, by sh (/usr/bin/sh); allow it or record again with what asked for it",
            "profiler: failed",
        ]
    );
}

#[test]
fn what_is_allowed_passes() {
    let ran = Place::new()
        .verify(&without(r#""mount""#, 1), &["sh", "-c", "umask 022; ls /"])
        .expect_code(0);
    assert_eq!(ran.stderr, "profiler: passed\n");
}

#[test]
fn an_answer_of_enosys_is_counted() {
    let ran = Place::new()
        .verify(&without(r#""umask""#, 38), &["sh", "-c", "umask 022"])
        .expect_code(0);
    assert!(
        ran.stderr
            .contains("answered ENOSYS, as the profile says: umask 3"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_command_that_fails_has_not_passed() {
    let ran = Place::new()
        .verify(&without(r#""mount""#, 1), &["sh", "-c", "exit 9"])
        .expect_code(1);
    assert!(
        ran.stderr.contains("failed with exit code 9"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_profile_that_lets_nothing_start_is_a_finding() {
    for action in [
        "SCMP_ACT_ERRNO",
        "SCMP_ACT_KILL_PROCESS",
        "SCMP_ACT_KILL_THREAD",
    ] {
        let ran = Place::new()
            .verify(&format!(r#"{{"defaultAction": "{action}"}}"#), &["true"])
            .expect_code(1);
        assert!(
            ran.stderr.contains("denied: execve (x86_64)"),
            "{action}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_command_that_the_filter_kills_is_told_as_that() {
    let kill = r#"{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["umask"], "action": "SCMP_ACT_KILL_PROCESS"}]}"#;
    let ran = Place::new()
        .verify(kill, &["sh", "-c", "umask 022"])
        .expect_code(1);
    for words in [
        "exit code 159 (SIGSYS: the filter killed it)",
        "denied: umask (x86_64) with SIGSYS, once",
    ] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}

/// The exits without an entry that are no denials: children of forks, threads, execs by another
/// thread and of another ABI, rt_sigreturn, and calls that were stopped and resumed.
#[test]
fn ordinary_programs_are_not_accused() {
    for program in [
        "forking",
        "threaded",
        "static",
        "i386",
        "daemonise /dev/null",
    ] {
        let (program, arguments) = program.split_once(' ').unwrap_or((program, ""));
        let path = profiler_tests::program(program);
        let mut command = vec![path.to_str().unwrap()];
        command.extend(arguments.split_terminator(' '));
        let ran = Place::new().verify(&without(r#""mount""#, 1), &command);
        assert!(!ran.stderr.contains("denied"), "{program}: {}", ran.stderr);
    }
    let script = "trap 'echo trapped' USR1; sleep 0.5 & kill -STOP $!; kill -CONT $!; kill -USR1 $$; wait; wait";
    let ran = Place::new()
        .verify(&without(r#""mount""#, 1), &["sh", "-c", script])
        .expect_code(0);
    assert_eq!(ran.stdout, "trapped\n");
}

#[test]
fn i386_calls_are_named_as_such() {
    let i386 = profiler_tests::program("i386");
    let ran = Place::new()
        .verify(&without(r#""olduname""#, 1), &[i386.to_str().unwrap()])
        .expect_code(1);
    assert!(
        ran.stderr
            .contains("denied: olduname (i386) with EPERM, once, by i386"),
        "{}",
        ran.stderr
    );
}

#[test]
fn input_that_cannot_be_judged_is_2() {
    let place = Place::new();
    let cases = [
        ("no JSON", "is no seccomp profile"),
        (r#"{"defaultAction": "SCMP_ACT_MAYBE"}"#, "SCMP_ACT_MAYBE"),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}"#,
            "flags",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_VAX"]}"#,
            "SCMP_ARCH_VAX",
        ),
    ];
    for (json, word) in cases {
        let ran = place.verify(json, &["true"]).expect_code(2);
        ran.expect_line(&["profile.json", word]);
    }
    run(profiler().args(["verify", "/no/such/profile", "--", "true"]))
        .expect_code(2)
        .expect_line(&["/no/such/profile"]);
    let profile = place.profile(&without(r#""mount""#, 1));
    run(profiler()
        .arg("verify")
        .arg(&profile)
        .args(["--user", "nobody", "--", "true"]))
    .expect_code(2)
    .expect_line(&["--image"]);
    run(profiler().arg("verify").arg(&profile)).expect_code(2);
}

#[test]
fn a_command_that_cannot_start_has_its_own_code() {
    let ran = Place::new()
        .verify(&without(r#""mount""#, 1), &["no-such-command"])
        .expect_code(127);
    ran.expect_line(&["no-such-command"]);
}
