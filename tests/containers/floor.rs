//! Measured floors, with the kernel's own filter as the oracle: containers start with them, and do not
//! without one call of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use profiler::generator::{FloorFile, Measurement};
use profiler::recording::{self, Assumption, Phase, Recording};
use profiler_tests::{Busy, Leftovers, Tag, assert_root, profiler, recording, run};

use super::json;

const STARTS: u32 = 10;
const HARDENED: [&str; 2] = ["--security-opt", "no-new-privileges"];

/// What is measured here, and a folder for what is made with it.
struct Place {
    folder: tempfile::TempDir,
    tag: Tag,
}

impl Place {
    fn new() -> Self {
        assert_root();
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            tag: Tag::of("busybox"),
        };
        let measured = run(profiler()
            .args(["floor", "--settle", "16", "-o"])
            .arg(place.at("floor.json")));
        measured.expect_code(0);
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn floor(&self) -> FloorFile {
        FloorFile::parse(&std::fs::read(self.at("floor.json")).unwrap()).unwrap()
    }

    /// `true`, from before its birth to its end.
    fn record(&self, options: &[&str]) -> Recording {
        let path = self.at("recording.json");
        run(profiler()
            .args(["record", "--image", self.tag.name(), "-o"])
            .arg(&path)
            .args(options)
            .args(["--", "/bin/true"]))
        .expect_code(0);
        recording(&path)
    }

    fn generate(&self, recorded: &Recording, options: &[&str]) -> PathBuf {
        let (path, profile) = (self.at("recording.json"), self.at("profile.json"));
        recording::write(&path, recorded).unwrap();
        run(profiler()
            .arg("generate")
            .arg(path)
            .args(options)
            .arg("-o")
            .arg(&profile))
        .expect_code(0);
        profile
    }

    /// With what was measured here.
    fn generate_with_floor(&self, recorded: &Recording, options: &[&str]) -> PathBuf {
        let floor = self.at("floor.json");
        let mut all = vec!["--runtime", floor.to_str().unwrap()];
        all.extend(options);
        self.generate(recorded, &all)
    }

    /// How many of the starts went well.
    fn starts(&self, profile: &Path, options: &[&str]) -> u32 {
        let busy = Busy::start();
        let filter = format!("seccomp={}", profile.display());
        let went_well = (0..STARTS).filter(|_| {
            let mut command = Command::new("docker");
            command.args(["run", "--rm", "--security-opt", &filter]);
            let command = command.args(options).args([self.tag.name(), "/bin/true"]);
            run(command).code == 0
        });
        let went_well = went_well.count();
        drop(busy);
        u32::try_from(went_well).unwrap()
    }
}

/// As one that began too late to see the runtime.
fn without_tail(mut recording: Recording) -> Recording {
    for calls in recording.architectures.values_mut() {
        for call in calls.values_mut() {
            call.callers.retain(|caller| caller.phase != Phase::Runtime);
        }
        calls.retain(|_, call| !call.callers.is_empty());
    }
    recording.assumptions.insert(Assumption::RuntimeTailUnseen);
    recording
}

/// The profile without a call that it allows.
fn without(profile: &Path, name: &str) -> PathBuf {
    let mut json = json(profile);
    let mut found = false;
    for rule in json["syscalls"].as_array_mut().unwrap() {
        let names = rule["names"].as_array_mut().unwrap();
        let before = names.len();
        names.retain(|known| known != name);
        found |= names.len() < before;
    }
    assert!(found, "{name} is not in it");
    let rules = json["syscalls"].as_array_mut().unwrap();
    rules.retain(|rule| !rule["names"].as_array().unwrap().is_empty());
    let path = profile.with_file_name(format!("without-{name}.json"));
    std::fs::write(&path, json.to_string()).unwrap();
    path
}

#[test]
fn a_container_starts_with_the_floor_and_not_without_one_call_of_it() {
    let leftovers = Leftovers::watch();
    let place = Place::new();
    for (options, needed) in [
        (&[][..], &["capset", "fstatfs", "setgroups"][..]),
        (&HARDENED[..], &["fstatfs", "getdents64"][..]),
    ] {
        let recorded = without_tail(place.record(options));
        let profile = place.generate_with_floor(&recorded, &[]);
        assert_eq!(place.starts(&profile, options), STARTS, "{options:?}");
        for name in needed {
            let lacking = without(&profile, name);
            assert_eq!(place.starts(&lacking, options), 0, "{options:?} {name}");
        }
    }
    drop(place);
    leftovers.expect_none();
}

#[test]
fn the_other_mode_and_an_init_start_with_what_the_floor_adds() {
    let place = Place::new();
    let hardened = place.record(&HARDENED);
    let as_recorded = place.generate(&hardened, &[]);
    assert_eq!(place.starts(&as_recorded, &HARDENED), STARTS);
    assert_eq!(place.starts(&as_recorded, &[]), 0);
    let without = place.generate_with_floor(&hardened, &["--no-new-privileges", "off"]);
    assert_eq!(place.starts(&without, &[]), STARTS);

    let plain = place.record(&[]);
    let as_recorded = place.generate(&plain, &[]);
    assert_eq!(place.starts(&as_recorded, &["--init"]), 0);
    let with_init = place.generate_with_floor(&plain, &["--init"]);
    assert_eq!(place.starts(&with_init, &["--init"]), STARTS);
    let hardened = place.generate_with_floor(&plain, &["--no-new-privileges", "on"]);
    assert_eq!(place.starts(&hardened, &HARDENED), STARTS);
}

/// Whatever each start was measured to call then, each calls now.
#[test]
fn what_is_measured_here_is_what_was() {
    let here = Place::new().floor();
    let version = here.engine.runtime_version.as_deref().unwrap();
    let path = profiler_tests::file("../profiles/floors/docker-runc-1.1.5.json");
    let known = FloorFile::parse(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(known.engine.runtime_version.as_deref(), Some(version));
    for (here, known) in [
        (&here.plain, &known.plain),
        (&here.no_new_privileges, &known.no_new_privileges),
        (&here.init, &known.init),
    ] {
        let always = |of: &Measurement| -> Vec<String> {
            let calls = of.calls.iter();
            let always = calls.filter(|(_, call)| of.is_always(call));
            always.map(|(name, _)| name.clone()).collect()
        };
        let (here, known) = (always(here), always(known));
        let missing: Vec<_> = known.iter().filter(|name| !here.contains(name)).collect();
        assert!(missing.is_empty() && !known.is_empty(), "{missing:?}");
    }
}
