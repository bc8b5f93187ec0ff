//! docker-compose merges the override with the project's own file.

use std::path::Path;
use std::process::Command;

use profiler_tests::{Ran, run};
use serde_json::{Value, json};

use super::{Hardened, RECORDINGS, TELLING_NAMES, tool, write, yaml};

/// A file of a project's own, with a service.
fn base(folder: &Path, name: &str) {
    let text = format!(
        "services:\n  {}:\n    image: \"app:1\"\n    ports: [\"8080:80\"]\n",
        json!(name)
    );
    write(&folder.join("compose.yaml"), &text);
}

fn config(folder: &Path) -> Command {
    let mut command = tool("docker-compose", folder);
    command
        .args([
            "-f",
            "compose.yaml",
            "-f",
            "compose.override.yaml",
            "config",
        ])
        // Else it is taken for the project's, which may not hold such letters.
        .env("COMPOSE_PROJECT_NAME", "test");
    command
}

/// The merged service.
#[track_caller]
fn merged(hardened: &Hardened, name: &str) -> Value {
    let folder = hardened.folder.path();
    base(folder, name);
    let Ran { stdout, stderr, .. } = run(&mut config(folder)).expect_code(0);
    assert_eq!(stderr, "", "nothing to complain of");
    let mut project = yaml(&stdout);
    let services = project["services"]
        .as_object_mut()
        .expect("a project has services");
    assert_eq!(services.len(), 1, "{services:?}");
    services
        .remove(name)
        .unwrap_or_else(|| panic!("no service {name}: {services:?}"))
}

#[test]
fn every_recording_merges() {
    for recording in RECORDINGS {
        let name = match recording {
            "attached" => "cache",
            _ => "app",
        };
        let options: &[&str] = match recording {
            "attached" => &[],
            _ => &["--name", "app"],
        };
        let hardened = Hardened::with(recording, options);
        let service = merged(&hardened, name);
        assert_eq!(service["image"], "app:1");
        let profile = format!("seccomp:{}", hardened.path("seccomp.json").display());
        let mut security_opt = vec![profile];
        if hardened.no_new_privileges() {
            security_opt.insert(0, "no-new-privileges:true".to_owned());
        }
        assert_eq!(service["security_opt"], json!(security_opt), "{recording}");
        let (drop, add) = match hardened.capabilities() {
            Some(list) => (json!(list.drop), list.add),
            None => (Value::Null, Vec::new()),
        };
        assert_eq!(service["cap_drop"], drop, "{recording}");
        let add = if add.is_empty() {
            Value::Null
        } else {
            json!(add)
        };
        assert_eq!(service["cap_add"], add, "{recording}");
    }
}

#[test]
fn a_name_that_yaml_could_take_for_something_else_stays_a_name() {
    for name in TELLING_NAMES {
        let service = merged(&Hardened::with("attached", &["--name", name]), name);
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
    }
}

/// Compose reads the profile itself, so it must find it. (Docker's Compose of Python cuts a path at
/// its colons.)
#[test]
fn a_path_with_signs_in_it_is_that_path() {
    let path = "my $HOME #x \"y\" 'z' {a} 50%.json";
    let hardened = Hardened::with("attached", &["--profile", path]);
    std::fs::rename(hardened.path("seccomp.json"), hardened.path(path)).unwrap();
    let service = merged(&hardened, "cache");
    let shown = service["security_opt"][0].as_str().unwrap();
    // `config` writes what can be read again.
    assert_eq!(shown.replace("$$", "$"), format!("seccomp:{path}"));
}

#[test]
fn what_compose_does_not_know_it_refuses() {
    let hardened = Hardened::of("attached");
    let folder = hardened.folder.path();
    base(folder, "cache");
    let text = hardened.text("compose.override.yaml");
    write(
        &hardened.path("compose.override.yaml"),
        &text.replace("cap_drop", "cap_drops"),
    );
    let ran = run(&mut config(folder)).expect_code(1);
    assert!(ran.stderr.contains("cap_drops"), "{}", ran.stderr);
}
