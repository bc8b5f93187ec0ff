//! Whole containers: recorded, their profiles enforced. Needs root and an engine.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says where"
)]

mod ablate;
mod bad_input;
mod capabilities;
mod confinement;
mod denied;
mod formats;
mod hostile;
mod life;
mod many;
mod misnamed;
mod nginx;
mod others;
mod python;
mod redis;
mod restart;
mod script;
mod verify;
mod watching;

use std::path::{Path, PathBuf};

use profiler::recording::{Phase, Recording};
use profiler_tests::{
    Busy, Leftovers, Ran, Tag, assert_root, calls, file, profiler, recording, run,
};
use serde_json::Value;

/// An image's recording and what was generated from it.
struct Hardened {
    _folder: tempfile::TempDir,
    recording: Recording,
    profile: PathBuf,
    capabilities: PathBuf,
}

/// `script` is a path under `tests/containers`.
fn test_command(script: &str) -> String {
    format!("sh {}", file("containers").join(script).display())
}

/// The main path: record with the test, generate, verify while both cores are busy. Some 30 starts
/// show a call that one in ten makes.
fn harden(name: &str, script: &str, starts: u32) -> Hardened {
    assert_root();
    let leftovers = Leftovers::watch();
    let tag = Tag::of(name);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (path, profile, capabilities) = (at("r.json"), at("p.json"), at("c.json"));
    let test = test_command(script);

    run(profiler()
        .args(["record", "--image", tag.name(), "--test", &test, "-o"])
        .arg(&path))
    .expect_code(0);
    let recording = recording(&path);
    assert!(recording.runs[0].outcome.passed);
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
    for phase in [Phase::Runtime, Phase::Workload, Phase::Exec] {
        let calls = calls(&recording, "SCMP_ARCH_X86_64", phase);
        assert!(
            !calls.is_empty(),
            "nothing in {phase:?}, though there was some"
        );
    }
    assert_eq!(tag.containers(), Vec::<String>::new(), "left behind");

    generate(&path, "oci", &profile);
    generate(&path, "capabilities", &capabilities);

    let busy = Busy::start();
    let verified = verify(&profile, &capabilities, tag.name(), &test, starts);
    drop(busy);
    println!("{}{}", verified.stdout, verified.stderr);
    verified.expect_code(0);
    assert_eq!(tag.containers(), Vec::<String>::new(), "left behind");
    leftovers.expect_none();
    Hardened {
        _folder: folder,
        recording,
        profile,
        capabilities,
    }
}

fn generate(recording: &Path, format: &str, output: &Path) {
    run(profiler()
        .arg("generate")
        .arg(recording)
        .args(["--format", format, "-o"])
        .arg(output))
    .expect_code(0);
}

fn verify(profile: &Path, capabilities: &Path, image: &str, test: &str, starts: u32) -> Ran {
    run(profiler()
        .arg("verify")
        .arg(profile)
        .arg("--capabilities")
        .arg(capabilities)
        .args([
            "--image",
            image,
            "--test",
            test,
            "--starts",
            &starts.to_string(),
        ]))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The names of `key` in a capability list.
fn capability_names(list: &Value, key: &str) -> Vec<String> {
    let names = list[key]
        .as_array()
        .unwrap_or_else(|| panic!("no {key} in {list}"));
    names
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}
