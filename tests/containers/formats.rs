//! The formats for an engine, used as they are written: pasted, or laid over a project's own file.

use std::path::Path;
use std::process::Command;

use profiler_tests::{Leftovers, Ran, Tag, assert_confined, assert_root, profiler, run, unique};
use serde_json::json;

const STATUS: [&str; 2] = ["cat", "/proc/self/status"];

/// All formats of busybox that shows its own status, in `hardened/`.
fn harden(tag: &Tag, folder: &Path, options: &[&str]) {
    let recording = folder.join("app.recording.json");
    run(profiler()
        .args(["record", "--image", tag.name(), "-o"])
        .arg(&recording)
        .args(options)
        .arg("--")
        .args(STATUS))
    .expect_code(0);
    run(profiler()
        .current_dir(folder)
        .args(["generate", "app.recording.json", "--name", "app"])
        .args(["-o", "hardened/"]))
    .expect_code(0);
}

fn docker_run(folder: &Path, arguments: &[&str]) -> Ran {
    let line = std::fs::read_to_string(folder.join("hardened/docker-run.sh")).unwrap();
    let pasted = line.trim_end().replacen("docker run", "docker run --rm", 1);
    run(Command::new("sh")
        .current_dir(folder)
        .args(["-c", &format!("{pasted} {}", arguments.join(" "))]))
}

/// The service's file is the project's own; its container goes with it.
fn compose(folder: &Path, tag: &Tag, arguments: &[&str]) -> Ran {
    let project = json!({"services": {"app": {"image": tag.name(), "network_mode": "none"}}});
    std::fs::write(folder.join("compose.yaml"), project.to_string()).unwrap();
    run(Command::new("docker-compose")
        .current_dir(folder)
        .args(["--project-name", &unique("formats")])
        .args(["-f", "compose.yaml", "-f", "hardened/compose.override.yaml"])
        .args(["run", "--rm", "-T", "app"])
        .args(arguments))
}

#[test]
fn what_is_pasted_or_laid_over_confines_the_container() {
    assert_root();
    let leftovers = Leftovers::watch();
    let tag = Tag::of("busybox");
    for (options, no_new_privileges) in [
        (&[][..], "0"),
        (&["--security-opt", "no-new-privileges"][..], "1"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        harden(&tag, folder, options);
        let started = [
            docker_run(folder, &STATUS).expect_code(0),
            compose(folder, &tag, &STATUS).expect_code(0),
        ];
        for ran in started {
            assert_confined(&ran.stdout, no_new_privileges);
        }
        let refused = ["mkdir", "/tmp/new"];
        for ran in [
            docker_run(folder, &refused),
            compose(folder, &tag, &refused),
        ] {
            let ran = ran.expect_code(1);
            assert!(
                ran.stderr.contains("Operation not permitted"),
                "{}",
                ran.stderr
            );
        }
    }
    assert_eq!(tag.containers(), Vec::<String>::new(), "left behind");
    leftovers.expect_none();
}
