//! `verify --ablate`: what can go is what the kernel lets go.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use profiler_tests::{Leftovers, Tag, assert_root, profiler, run};

use super::generate;

/// Needs CHOWN and MKNOD, and ends at once without them.
const SCRIPT: &str = "chown 1 /tmp && mknod /tmp/null c 1 3 && touch /tmp/ready && exec sleep 1000";
const TEST: &str = "for i in $(seq 50); do docker exec $PROFILER_CONTAINER test -e /tmp/ready && \
                    exit 0; sleep 0.1; done; exit 1";
const OPEN: &str = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;

/// The engine's own word: whether the script comes to its last command.
fn passes(image: &str, capabilities: &[&str]) -> bool {
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--network", "none", "--cap-drop", "ALL"]);
    for capability in capabilities {
        command.args(["--cap-add", capability]);
    }
    let script = SCRIPT.replace("exec sleep 1000", "true");
    command.args([image, "sh", "-c", &script]);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.unwrap().success()
}

#[test]
fn what_the_kernel_needs_stays_and_the_rest_goes() {
    assert_root();
    let leftovers = Leftovers::watch();
    let tag = Tag::of("busybox");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let profile = file("profile.json", OPEN);
    let list = file(
        "capabilities.json",
        r#"{"add": ["AUDIT_WRITE", "CHOWN", "KILL", "MKNOD", "NET_RAW", "SYS_CHROOT"]}"#,
    );
    let left = folder.path().join("left.json");
    let ran = run(profiler()
        .arg("verify")
        .arg(&profile)
        .arg("--capabilities")
        .arg(&list)
        .args(["--ablate", "-o"])
        .arg(&left)
        .args(["--image", tag.name(), "--starts", "1"])
        .args(["--stop-timeout", "1", "--test", TEST])
        .args(["--", "sh", "-c", SCRIPT]))
    .expect_code(0);
    let kept = profiler::capabilities::read(&left).unwrap().add;
    assert_eq!(kept, ["CHOWN", "MKNOD"], "{}", ran.stderr);

    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    assert!(passes(tag.name(), &kept));
    for needed in &kept {
        let less: Vec<&str> = kept.iter().copied().filter(|name| name != needed).collect();
        assert!(!passes(tag.name(), &less), "passes without {needed}");
    }
    assert_eq!(tag.containers(), Vec::<String>::new(), "left behind");
    leftovers.expect_none();
}

/// Needs CHOWN; without FSETID the bit is left out, of which the test knows nothing; the kernel asks
/// for SYSLOG to decide what it shows.
const QUIET_SCRIPT: &str = "touch /tmp/file && chown 1:1 /tmp && chown 0:1 /tmp/file && \
                            chmod 2755 /tmp/file && head -n 1 /proc/kallsyms && \
                            touch /tmp/ready && exec sleep 1000";

#[test]
fn explain_tells_how_each_decision_was_confirmed() {
    assert_root();
    let leftovers = Leftovers::watch();
    let tag = Tag::of("busybox");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (path, profile, list, tried) = (at("r.json"), at("p.json"), at("c.json"), at("t.json"));
    let subject = ["--", "sh", "-c", QUIET_SCRIPT];
    let container = |command: &mut Command| {
        command
            .args(["--image", tag.name(), "--stop-timeout", "1", "--test", TEST])
            .args(subject);
    };
    let mut record = profiler();
    record.args(["record", "-o"]).arg(&path);
    container(&mut record);
    run(&mut record).expect_code(0);
    generate(&path, &[], &profile);
    generate(&path, &["--format", "capabilities"], &list);
    let mut verify = profiler();
    verify.arg("verify").arg(&profile).arg("--capabilities");
    verify.arg(&list).args(["--ablate", "-o"]).arg(&tried);
    verify.args(["--starts", "1"]);
    container(&mut verify);
    run(&mut verify).expect_code(0);
    leftovers.expect_none();

    let explained = |list: &[&OsStr]| {
        let mut explain = profiler();
        explain.arg("explain").arg(&path).args(list);
        run(explain.args(["CAP_CHOWN", "CAP_FSETID", "CAP_SYSLOG"]))
            .expect_code(0)
            .stdout
    };
    let recorded = explained(&[]);
    expect_lines(
        &recorded,
        &[
            "CAP_CHOWN: keep: granted, and a refusal would be an error (not tried)",
            "CAP_FSETID: keep: granted, and what a refusal changes only trying tells (not tried)",
            "CAP_SYSLOG: drop: asked only on the kernel's own account (not tried)",
        ],
    );
    let tried = explained(&["--capabilities".as_ref(), tried.as_os_str()]);
    expect_lines(
        &tried,
        &[
            "CAP_CHOWN: keep: tried: without it a run did not pass (1 run without it: ",
            "  granted in chown for /bin/sh (chown), workload, in 1 of 1 runs, asked by ",
            "CAP_FSETID: drop: tried: without it the runs pass, and nothing differs that was looked at (",
            "  granted in chmod for /bin/sh (chmod), workload, in 1 of 1 runs, asked by ",
            "CAP_SYSLOG: drop: asked only on the kernel's own account (not tried)",
            "  asked for in openat by 1 program, in 1 of 1 runs: not needed (opening /proc/kallsyms",
        ],
    );
}

/// By what they begin with.
#[track_caller]
fn expect_lines(text: &str, lines: &[&str]) {
    for line in lines {
        let is_there = text.lines().any(|told| told.starts_with(line));
        assert!(is_there, "{line:?} is not in:\n{text}");
    }
}
