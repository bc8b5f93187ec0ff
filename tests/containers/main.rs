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
mod engine_default;
mod floor;
mod formats;
mod harden;
mod hostile;
mod life;
mod many;
mod misnamed;
mod nginx;
mod others;
mod place;
mod podman;
mod python;
mod redis;
mod restart;
mod script;
mod verify;
mod watching;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::recording::{Phase, Recording};
use profiler_tests::{
    Busy, Leftovers, Ran, Tag, assert_root, calls, file, profiler, recording, run, wait_until,
};
use serde_json::Value;

/// In the folder of what was hardened.
const RECORDING: &str = "r.json";

/// An image with its test, what was recorded of them and what was generated from that.
struct Hardened {
    tag: Tag,
    test: String,
    folder: tempfile::TempDir,
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
    let (path, profile, capabilities) = (at(RECORDING), at("p.json"), at("c.json"));
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
    leftovers.expect_none();

    generate(&path, &[], &profile);
    generate(&path, &["--format", "capabilities"], &capabilities);
    let hardened = Hardened {
        tag,
        test,
        folder,
        recording,
        profile,
        capabilities,
    };
    hardened.expect_to_pass(&hardened.profile, starts);
    hardened
}

impl Hardened {
    /// Under what `options` make of the recording, in few starts: those before have shown that it
    /// has what is called at times.
    fn expect_to_pass_with(&self, options: &[&str]) {
        let profile = self.folder.path().join("other.json");
        generate(&self.folder.path().join(RECORDING), options, &profile);
        self.expect_to_pass(&profile, 3);
    }

    /// While both cores are busy.
    fn expect_to_pass(&self, profile: &Path, starts: u32) {
        let leftovers = Leftovers::watch();
        let busy = Busy::start();
        let verified = run(profiler()
            .arg("verify")
            .arg(profile)
            .arg("--capabilities")
            .arg(&self.capabilities)
            .args(["--image", self.tag.name(), "--test", &self.test])
            .args(["--starts", &starts.to_string()]));
        drop(busy);
        println!("{}{}", verified.stdout, verified.stderr);
        verified.expect_code(0);
        assert_eq!(self.tag.containers(), Vec::<String>::new(), "left behind");
        leftovers.expect_none();
    }
}

fn generate(recording: &Path, options: &[&str], output: &Path) {
    run(profiler()
        .arg("generate")
        .arg(recording)
        .args(options)
        .arg("-o")
        .arg(output))
    .expect_code(0);
}

/// By Ctrl-C, once its test has made `up`.
fn interrupted(command: &mut Command, up: &Path) -> Ran {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until("the test runs", || up.exists());
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    Ran::of(child.wait_with_output().unwrap())
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
