//! `verify --ablate`: what can go is what the kernel lets go.

use std::process::{Command, Stdio};

use profiler_tests::{Leftovers, Tag, assert_root, profiler, run};

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
