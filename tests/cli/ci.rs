//! The recipes for CI: what they run is a script, and it does what it says.

use std::fs;
use std::path::Path;
use std::process::Command;

use profiler_tests::{Ran, file, profiler, profiler_path, run};

fn check(recording: &str, profile: &Path, out: &Path) -> Ran {
    let folder = profiler_path();
    let folder = folder.parent().expect("it lies in one");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let mut command = Command::new("sh");
    command
        .arg(file("../docs/ci/check.sh"))
        .arg(file(recording));
    run(command
        .arg(profile)
        .arg(out)
        .env("PATH", path)
        .env("CI", "true"))
}

#[test]
fn the_script_fails_where_the_tests_need_another_profile() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let (profile, out) = (
        folder.path().join("seccomp.json"),
        folder.path().join("out"),
    );
    let recording = "golden/container.recording.json";
    run(profiler()
        .arg("generate")
        .arg(file(recording))
        .arg("-o")
        .arg(&profile))
    .expect_code(0);
    let comment = || fs::read_to_string(out.join("comment.md")).expect("it was written");

    check(recording, &profile, &out).expect_code(0);
    assert!(
        comment().starts_with("The tests need what the profile allows.\n"),
        "{}",
        comment()
    );
    assert!(comment().contains("The next run needs something new with a chance of at most"));
    let sarif = fs::read(out.join("lint.sarif")).expect("it was written");
    let sarif: serde_json::Value = serde_json::from_slice(&sarif).expect("SARIF is JSON");
    assert_eq!(sarif["version"], "2.1.0");

    let narrow = fs::read_to_string(&profile).expect("it was written");
    fs::write(&profile, narrow.replace("\"chown\"", "\"lchown\"")).expect("it can be");
    check(recording, &profile, &out).expect_code(1);
    assert!(comment().contains("\n+"), "{}", comment());
    assert!(comment().contains("\"chown\""), "{}", comment());

    check("golden/lint/by-hand.json", &profile, &out).expect_code(2);
    check("golden/troubled.recording.json", &profile, &out).expect_code(2);
}

#[test]
fn the_recipes_are_yaml_that_runs_the_script() {
    for (recipe, steps) in [
        ("github", "/jobs/profile/steps/2/run"),
        ("gitlab", "/profile/script/1"),
    ] {
        let text =
            fs::read_to_string(file(&format!("../docs/ci/{recipe}.yml"))).expect("it is there");
        let recipe: serde_json::Value = serde_saphyr::from_str(&text).expect("it is YAML");
        let step = recipe.pointer(steps).and_then(serde_json::Value::as_str);
        assert_eq!(
            step,
            Some("sh docs/ci/check.sh recording.json seccomp.json out")
        );
    }
}
