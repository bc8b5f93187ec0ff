//! Podman's generator makes a systemd service of the unit, whole or as a drop-in.

use std::path::Path;
use std::process::Command;

use profiler_tests::{Ran, run};

use super::{Hardened, RECORDINGS, write};

pub(super) fn quadlet(units: &Path) -> Ran {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/quadlet");
    assert!(
        path.exists(),
        "{} is not there: run `cargo xtask setup` first",
        path.display()
    );
    run(Command::new(path)
        .args(["-dryrun", "-no-kmsg-log"])
        .env("QUADLET_UNIT_DIRS", units))
}

/// What the service would run: `podman run …`.
#[track_caller]
pub(super) fn command_line(ran: &Ran) -> Vec<String> {
    let Ran { stdout, stderr, .. } = ran;
    let line = stdout
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let line = line.unwrap_or_else(|| panic!("no service was made: {stderr}"));
    shell_words::split(line).expect("quotes that are closed")
}

#[track_caller]
fn assert_options(hardened: &Hardened, command_line: &[String], image: &str) {
    let has = |words: &[&str]| {
        command_line
            .windows(words.len())
            .any(|window| window == words)
    };
    let profile = format!("seccomp={}", hardened.path("seccomp.json").display());
    assert!(has(&["--security-opt", &profile]), "{command_line:?}");
    assert_eq!(
        has(&["--security-opt=no-new-privileges"]),
        hardened.no_new_privileges(),
        "{command_line:?}"
    );
    let list = hardened.capabilities();
    assert_eq!(has(&["--cap-drop", "all"]), list.is_some());
    let added: Vec<String> = command_line
        .windows(2)
        .filter(|pair| pair[0] == "--cap-add")
        .map(|pair| pair[1].to_uppercase().replace("CAP_", ""))
        .collect();
    assert_eq!(added, list.map_or(Vec::new(), |list| list.add));
    assert_eq!(command_line.last().map(String::as_str), Some(image));
}

#[test]
fn every_recording_is_a_unit() {
    for recording in RECORDINGS {
        let hardened = Hardened::of(recording);
        let units = tempfile::tempdir().unwrap();
        write(
            &units.path().join("app.container"),
            &hardened.text("podman.container"),
        );
        let image = match recording {
            "attached" => "redis:demo",
            "capabilities" => "tools:demo",
            "i386" | "unobserved" => "IMAGE",
            _ => "nginx:demo",
        };
        let ran = quadlet(units.path()).expect_code(0);
        assert_options(&hardened, &command_line(&ran), image);
    }
}

#[test]
fn without_its_image_it_is_a_drop_in() {
    let hardened = Hardened::of("troubled");
    let units = tempfile::tempdir().unwrap();
    write(
        &units.path().join("app.container"),
        "[Container]\nImage=localhost/app:1\n",
    );
    let drop_in: String = hardened
        .text("podman.container")
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("Image="))
        .collect();
    write(
        &units.path().join("app.container.d/profiler.conf"),
        &drop_in,
    );
    let ran = quadlet(units.path()).expect_code(0);
    assert_options(&hardened, &command_line(&ran), "localhost/app:1");
}

#[test]
fn a_path_with_signs_in_it_is_that_path() {
    let path = "/srv/my 100%u: #x 'z'.json";
    let hardened = Hardened::with("attached", &["--profile", path]);
    let units = tempfile::tempdir().unwrap();
    write(
        &units.path().join("app.container"),
        &hardened.text("podman.container"),
    );
    let words = command_line(&quadlet(units.path()).expect_code(0));
    // systemd makes one sign of two.
    let wanted = format!("seccomp={}", path.replace('%', "%%"));
    assert!(words.contains(&wanted), "{words:?}");
}

#[test]
fn what_quadlet_does_not_know_makes_no_service() {
    let units = tempfile::tempdir().unwrap();
    let text = Hardened::of("attached").text("podman.container");
    write(
        &units.path().join("app.container"),
        &text.replace("DropCapability", "DropCapabilities"),
    );
    let ran = quadlet(units.path());
    assert!(!ran.stdout.contains("ExecStart="), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("unsupported key 'DropCapabilities'"),
        "{}",
        ran.stderr
    );
}
