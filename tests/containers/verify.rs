//! A container under a profile: what is denied is named, and nothing is left behind.

use std::process::{Command, Stdio};

use profiler_tests::{Ran, profiler, run};

use super::interrupted;
use super::place::Place;

impl Place {
    /// Under a profile that denies `names` only; to be continued.
    fn command(&self, names: &str) -> Command {
        let profile = format!(
            r#"{{"defaultAction": "SCMP_ACT_ALLOW",
                 "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                 "syscalls": [{{"names": [{names}], "action": "SCMP_ACT_ERRNO"}}]}}"#
        );
        let mut command = profiler();
        command
            .arg("verify")
            .arg(self.file("profile.json", &profile))
            // Process 1 does not hear SIGTERM where it has no handler.
            .args(["--image", self.tag.name(), "--stop-timeout", "1"])
            .stdin(Stdio::null());
        command
    }

    fn verify(&self, names: &str, arguments: &[&str]) -> Ran {
        run(self.command(names).args(arguments))
    }
}

#[track_caller]
fn expect(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(
            ran.stdout.contains(word),
            "{word:?} is not in\n{}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn what_is_denied_is_named_though_the_test_passes() {
    let place = Place::of("busybox");
    let script = "umask 022; sleep 1000";
    let ran = place
        .verify(
            r#""umask""#,
            &["--test", "true", "--starts", "2", "--", "sh", "-c", script],
        )
        .expect_code(1);
    expect(
        &ran,
        &[
            "denied: umask (x86_64) with EPERM",
            "by sh (",
            "failed: 2 starts\n",
        ],
    );
    place.expect_nothing_left();
}

/// No recording shows it: only a pause makes the kernel resume a sleep.
#[test]
fn a_pause_finds_a_missing_restart_syscall() {
    let place = Place::of("busybox");
    let sleeping = ["--starts", "1", "--", "sleep", "1000"];
    let ran = place
        .verify(r#""restart_syscall""#, &sleeping)
        .expect_code(1);
    expect(&ran, &["denied: restart_syscall (x86_64) with EPERM"]);
    let mut tested = vec!["--test", "sleep 2"];
    tested.extend(sleeping);
    place.verify(r#""restart_syscall""#, &tested).expect_code(1);
    place.verify(r#""mount""#, &tested).expect_code(0);
    place.expect_nothing_left();
}

/// The engine refuses `docker exec` for a container that it has paused.
#[test]
fn a_test_that_uses_exec_is_not_disturbed_by_the_pause() {
    let place = Place::of("busybox");
    let test =
        "for i in 1 2 3 4 5 6 7 8 9 10; do docker exec $PROFILER_CONTAINER true || exit 9; done";
    place
        .verify(
            r#""mount""#,
            &["--test", test, "--starts", "1", "--", "sleep", "1000"],
        )
        .expect_code(0);
    place.expect_nothing_left();
}

#[test]
fn a_denied_capability_is_named() {
    let place = Place::of("busybox");
    let script = "chown 1 /tmp; sleep 1000";
    let verify = |add: &str| {
        let list = place.file("capabilities.json", &format!(r#"{{"add": [{add}]}}"#));
        let list = list.to_str().unwrap();
        place.verify(
            r#""mount""#,
            &[
                "--capabilities",
                list,
                "--starts",
                "1",
                "--",
                "sh",
                "-c",
                script,
            ],
        )
    };
    let ran = verify("").expect_code(1);
    expect(&ran, &["capability denied: CHOWN in ", "by chown ("]);
    let ran = verify(r#""CHOWN""#).expect_code(0);
    assert_eq!(ran.stdout, "passed: 1 start\n");
    place.expect_nothing_left();
}

#[test]
fn a_test_that_fails_has_not_passed() {
    let place = Place::of("busybox");
    let ran = place
        .verify(
            r#""mount""#,
            &["--test", "exit 9", "--starts", "1", "--", "sleep", "1000"],
        )
        .expect_code(1);
    expect(&ran, &["failed with exit code 9\n", "failed: 1 start\n"]);
    place.expect_nothing_left();
}

#[test]
fn starts_that_fail_are_counted_and_explained() {
    let place = Place::of("busybox");
    let starts = ["--starts", "2", "--", "sh", "-c"];
    let with = |script| starts.into_iter().chain([script]).collect::<Vec<_>>();
    let ran = place.verify(r#""mount""#, &with("exit 3")).expect_code(1);
    expect(
        &ran,
        &["starts 1, 2 of 2 failed: it ended with exit code 3 before it was ready"],
    );
    // The shell's handler for SIGCHLD returns by rt_sigreturn, as the Go runtime's do.
    let ran = place
        .verify(
            r#""rt_sigreturn""#,
            &with("trap : CHLD; true & wait; sleep 1000"),
        )
        .expect_code(1);
    expect(
        &ran,
        &["exit code 139 (SIGSEGV)", "most likely rt_sigreturn"],
    );
    place.expect_nothing_left();
}

#[test]
fn a_program_that_ends_well_by_itself_has_started_well() {
    let place = Place::of("busybox");
    let ran = place
        .verify(r#""mount""#, &["--starts", "2", "--", "true"])
        .expect_code(0);
    assert_eq!(ran.stdout, "passed: 2 starts\n");
    place.expect_nothing_left();
}

#[test]
fn input_that_cannot_be_judged_is_2() {
    let place = Place::of("busybox");
    let list = place.file("capabilities.json", r#"{"add": ["CHOWM"]}"#);
    let list = list.to_str().unwrap();
    place
        .verify("", &["--capabilities", list])
        .expect_code(2)
        .expect_line(&["CHOWM"]);
    let list = place.file(
        "capabilities.json",
        r#"{"add": [], "no_new_privileges": true}"#,
    );
    let list = list.to_str().unwrap();
    place
        .verify("", &["--capabilities", list])
        .expect_code(2)
        .expect_line(&["no-new-privileges"]);
    place
        .verify("", &["--capabilities", list, "--cap-add", "CHOWN"])
        .expect_code(2)
        .expect_line(&["--cap-add"]);
    place.expect_nothing_left();
}

#[test]
fn what_cannot_be_run_has_its_own_code() {
    let place = Place::of("busybox");
    let profile = place.file("open.json", profiler::profile::OPEN);
    run(profiler()
        .arg("verify")
        .arg(profile)
        .args(["--image", "profiler-test/nothing:here"]))
    .expect_code(125)
    .expect_line(&["profiler-test/nothing:here"]);
    let ran = place
        .verify(r#""mount""#, &["--", "/no/such/program"])
        .expect_code(127);
    assert!(ran.stderr.contains("/no/such/program"), "{}", ran.stderr);
    place.expect_nothing_left();
}

#[test]
fn an_interrupt_leaves_nothing() {
    let place = Place::of("busybox");
    let up = place.folder().join("up");
    let test = format!("touch {}; sleep 1000", up.display());
    let mut command = place.command(r#""mount""#);
    command.args(["--test", &test, "--", "sleep", "1000"]);
    let ran = interrupted(&mut command, &up).expect_code(125);
    assert!(ran.stderr.contains("interrupted"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "", "no verdict");
    place.expect_nothing_left();
}
