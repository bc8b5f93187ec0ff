//! What is generated, read by the programs that it is for, or by their own schemas: each takes what
//! we write, reads what we mean, and refuses what is wrong.

mod compose;
mod docker_run;
mod kubernetes;
mod measures;
mod podman;
mod spo;
mod systemd;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use profiler::capabilities::CapabilityList;
use profiler::profile::{Action, Profile};
use profiler_tests::{file, profiler, run};
use serde_json::Value;

/// All of `tests/golden`: containers, a Compose service, commands, no-new-privileges, capabilities
/// that were not observed.
const RECORDINGS: [&str; 7] = [
    "attached",
    "capabilities",
    "container",
    "container-again",
    "i386",
    "troubled",
    "unobserved",
];

/// Each is something else than a string to a reader of YAML who meets it without quotes.
const TELLING_NAMES: [&str; 12] = [
    "yes",
    "NO",
    "on",
    "null",
    "true",
    "1.5",
    "1e3",
    "0x1F",
    "0o7",
    "1_000",
    "2024-01-01",
    "_.5",
];

/// A folder with all formats, as `generate -o DIR/` writes it.
struct Hardened {
    folder: tempfile::TempDir,
}

impl Hardened {
    #[track_caller]
    fn of(recording: &str) -> Self {
        Self::with(recording, &[])
    }

    #[track_caller]
    fn with(recording: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        run(profiler()
            .arg("generate")
            .arg(file(&format!("golden/{recording}.recording.json")))
            .arg("-o")
            .arg(folder.path())
            .args(options))
        .expect_code(0);
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[track_caller]
    fn text(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[track_caller]
    fn profile(&self) -> Profile {
        serde_json::from_str(&self.text("seccomp.json")).expect("a profile")
    }

    /// `None` where they were not observed.
    fn capabilities(&self) -> Option<CapabilityList> {
        let path = self.path("capabilities.json");
        path.exists()
            .then(|| profiler::capabilities::read(&path).expect("a list"))
    }

    fn no_new_privileges(&self) -> bool {
        self.capabilities()
            .is_some_and(|list| list.no_new_privileges)
    }
}

/// Those that the profile allows, whatever their arguments.
fn allowed(profile: &Profile) -> BTreeSet<String> {
    profile
        .syscalls
        .iter()
        .filter(|rule| rule.action == Action::Allow)
        .flat_map(|rule| rule.names.iter().cloned())
        .collect()
}

/// As Python reads it: YAML 1.1, in another language than ours.
#[track_caller]
fn yaml(text: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("text.yaml");
    write(&path, text);
    let read = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let ran = run(Command::new("python3").args(["-c", read]).arg(&path)).expect_code(0);
    serde_json::from_str(&ran.stdout).expect("Python writes JSON")
}

/// A schema of `tests/formats/schemas`, where nothing may stand that it does not know.
fn schema(name: &str) -> jsonschema::Validator {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(fields) => {
                if fields.contains_key("properties") {
                    fields.insert("additionalProperties".to_owned(), Value::Bool(false));
                }
                fields.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    let path = file(&format!("formats/schemas/{name}"));
    let text = std::fs::read_to_string(path).expect("a file that is there");
    let mut schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    close(&mut schema);
    jsonschema::validator_for(&schema).expect("a schema")
}

fn faults(schema: &jsonschema::Validator, value: &Value) -> Vec<String> {
    schema
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// With the folders that lead to it.
#[track_caller]
fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file lies in a folder");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Run in a folder.
fn tool(name: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder);
    command
}

#[test]
fn a_folder_has_each_format_once_and_nothing_else() {
    let names = |hardened: &Hardened| -> BTreeSet<String> {
        std::fs::read_dir(hardened.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let all: BTreeSet<String> = profiler::output::FORMATS
        .map(|format| profiler::output::file_name(format).to_owned())
        .into();
    assert_eq!(all.len(), 8);
    assert_eq!(names(&Hardened::of("container")), all);
    // Where capabilities were not observed no file says that none are needed.
    let mut without = all;
    without.remove("capabilities.json");
    assert_eq!(names(&Hardened::of("unobserved")), without);
    let one = Hardened::with("container", &["--format", "spo"]);
    assert_eq!(names(&one), BTreeSet::from(["spo.yaml".to_owned()]));
}
