//! The recipes for CI: what they run is a script, and it does what it says.

use std::fs;
use std::path::Path;
use std::process::Command;

use profiler_tests::{Ran, file, profiler, profiler_path, run};

/// `before` may be left empty.
fn check(recording: &str, profile: &Path, out: &Path, before: &str) -> Ran {
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
        .arg(before)
        .env("PATH", path)
        .env("CI", "true"))
}

fn sarif(path: &Path) -> serde_json::Value {
    let sarif = fs::read(path).expect("it was written");
    serde_json::from_slice(&sarif).expect("SARIF is JSON")
}

#[test]
fn the_script_fails_where_the_tests_need_what_the_profile_does_not_allow() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let (profile, out) = (at("seccomp.json"), at("out"));
    let recording = "golden/container.recording.json";
    run(profiler()
        .arg("generate")
        .arg(file(recording))
        .arg("-o")
        .arg(&profile))
    .expect_code(0);
    let comment = || fs::read_to_string(out.join("comment.md")).expect("it was written");
    let whole = fs::read_to_string(&profile).expect("it was written");

    check(recording, &profile, &out, "").expect_code(0);
    let told = comment();
    assert!(told.starts_with("## What the tests need\n\n"), "{told}");
    assert!(told.contains("no difference"), "{told}");
    assert!(!told.contains("## What this changes"), "{told}");
    assert!(told.contains("The next run needs something new with a chance of at most"));
    assert_eq!(sarif(&out.join("lint.sarif"))["version"], "2.1.0");
    assert!(!out.join("diff.sarif").exists());

    // Without chown, and with a call that nobody needs.
    fs::write(&profile, whole.replace("\"chown\"", "\"sync\"")).expect("it can be");
    check(recording, &profile, &out, "").expect_code(1);
    let told = comment();
    let who_asked = "by /usr/sbin/nginx (nginx), workload, in 2 of 2 runs";
    assert!(told.contains(r"| added | chown (x86\_64)"), "{told}");
    assert!(told.contains(who_asked), "{told}");

    // More than the tests need is no failure; that it was let in is told where it stands.
    let before = at("before.json");
    fs::write(&before, &whole).expect("it can be");
    let wider = whole.replace("\"chown\"", "\"chown\", \"sync\"");
    fs::write(&profile, wider).expect("it can be");
    check(recording, &profile, &out, &before.display().to_string()).expect_code(0);
    let told = comment();
    let (needs, changes) = told.split_once("## What this changes").expect(&told);
    assert!(needs.contains("| removed | sync"), "{needs}");
    assert!(changes.contains("| added | sync"), "{changes}");
    let results = &sarif(&out.join("diff.sarif"))["runs"][0]["results"];
    assert_eq!(results.as_array().map(Vec::len), Some(1), "{results}");
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert!(place["region"]["startLine"].is_u64(), "{place}");

    check("golden/lint/by-hand.json", &profile, &out, "").expect_code(2);
    check("golden/troubled.recording.json", &profile, &out, "").expect_code(2);
    fs::write(&profile, "{").expect("it can be");
    check(recording, &profile, &out, "").expect_code(2);
}

#[test]
fn the_recipes_are_yaml_that_runs_the_script() {
    for (recipe, steps) in [
        ("github", "/jobs/profile/steps/3/run"),
        ("gitlab", "/profile/script/3"),
    ] {
        let text =
            fs::read_to_string(file(&format!("../docs/ci/{recipe}.yml"))).expect("it is there");
        let recipe: serde_json::Value = serde_saphyr::from_str(&text).expect("it is YAML");
        let step = recipe.pointer(steps).and_then(serde_json::Value::as_str);
        assert_eq!(
            step,
            Some("sh docs/ci/check.sh recording.json seccomp.json out before.json")
        );
    }
}
