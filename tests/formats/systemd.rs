//! systemd reads the drop-in and judges it: what it does not warn of, it understood; what it says
//! of each group of calls must be what the profile says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use profiler_tests::{Ran, run};
use serde_json::Value;

use super::{Hardened, RECORDINGS, allowed, write};

fn analyze(arguments: &[&str], unit: Option<&Path>) -> Ran {
    run(Command::new("systemd-analyze")
        .arg("--no-pager")
        .args(arguments)
        .args(unit))
}

/// A service that has the drop-in.
fn unit(folder: &Path, drop_in: &str) -> std::path::PathBuf {
    let unit = folder.join("app.service");
    write(&unit, "[Service]\nExecStart=/bin/true\n");
    write(&folder.join("app.service.d/profiler.conf"), drop_in);
    unit
}

/// The calls of a group, without the groups in it.
fn group(name: &str) -> BTreeSet<String> {
    let ran = analyze(&["syscall-filter", name], None).expect_code(0);
    let lines = ran.stdout.lines().map(str::trim);
    let mut calls = BTreeSet::new();
    for line in lines.filter(|line| !line.starts_with('#') && *line != name && !line.is_empty()) {
        if line.starts_with('@') {
            calls.extend(group(line));
        } else {
            calls.insert(line.to_owned());
        }
    }
    assert!(!calls.is_empty(), "{name}");
    calls
}

/// What systemd says that it left out, but for calls that are newer than the systemd that reads it.
fn complaints(stderr: &str) -> Vec<&str> {
    let known = group("@known");
    stderr
        .lines()
        .filter(|line| {
            let newer = line
                .split_once("Failed to parse system call, ignoring: ")
                .is_some_and(|(_, name)| !known.contains(name));
            !newer
        })
        .collect()
}

#[test]
fn every_recording_is_understood() {
    for recording in RECORDINGS {
        let hardened = Hardened::of(recording);
        let folder = tempfile::tempdir().unwrap();
        let unit = unit(folder.path(), &hardened.text("systemd.conf"));
        let ran = analyze(&["verify"], Some(&unit)).expect_code(0);
        assert_eq!(complaints(&ran.stderr), [""; 0], "{recording}");
    }
}

/// `systemd-analyze security` tells of each group whether any call of it is allowed, and of each
/// capability whether it is kept.
#[test]
fn systemd_judges_it_as_it_is_meant() {
    for recording in RECORDINGS {
        let hardened = Hardened::of(recording);
        let allowed = allowed(&hardened.profile());
        let folder = tempfile::tempdir().unwrap();
        let unit = unit(folder.path(), &hardened.text("systemd.conf"));
        let options = ["security", "--offline=yes", "--json=short"];
        let ran = analyze(&options, Some(&unit)).expect_code(0);
        let report: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
        let holds = |field: &str| {
            let line = report.iter().find(|line| line["json_field"] == field);
            line.unwrap_or_else(|| panic!("{field} is not judged"))["set"] == true
        };

        let mut groups = 0;
        for line in &report {
            let name = line["name"].as_str().unwrap();
            let Some(name) = name.strip_prefix("SystemCallFilter=~") else {
                continue;
            };
            groups += 1;
            let is_kept_out = group(name).is_disjoint(&allowed);
            assert_eq!(line["set"] == true, is_kept_out, "{recording}: {name}");
        }
        assert!(groups > 8, "{groups}");

        assert_eq!(
            holds("NoNewPrivileges"),
            hardened.no_new_privileges(),
            "{recording}"
        );
        let keeps = |name: &str| match hardened.capabilities() {
            Some(list) => list.adds(name),
            None => true,
        };
        for name in [
            "SYS_ADMIN",
            "SYS_PTRACE",
            "SYS_BOOT",
            "NET_ADMIN",
            "KILL",
            "LEASE",
        ] {
            let is_dropped = holds(&format!("CapabilityBoundingSet_CAP_{name}"));
            assert_eq!(is_dropped, !keeps(name), "{recording}: {name}");
        }
        let only_native = hardened.profile().architectures == ["SCMP_ARCH_X86_64"];
        assert_eq!(holds("SystemCallArchitectures"), only_native, "{recording}");
    }
}

/// Its table may grow; then ours must.
#[test]
fn what_systemd_allows_by_itself_is_taken_out() {
    let hardened = Hardened::of("unobserved");
    let text = hardened.text("systemd.conf");
    assert!(!text.contains('@'), "no group: {text}");
    let named = |sign: &str| -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix("SystemCallFilter="))
            .filter(|names| names.starts_with('~') == (sign == "~"))
            .flat_map(|names| names.trim_start_matches('~').split(' '))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(named(""), allowed(&hardened.profile()));
    let refused: BTreeSet<String> = named("~")
        .iter()
        .map(|name| name.split(':').next().unwrap().to_owned())
        .collect();
    assert!(refused.is_disjoint(&named("")));
    let has = profiler::names::syscalls();
    let by_itself: Vec<String> = group("@default")
        .into_iter()
        .filter(|name| has.contains(name.as_str()))
        .filter(|name| !refused.contains(name) && !named("").contains(name))
        .collect();
    assert_eq!(by_itself, [""; 0]);
}

#[test]
fn what_systemd_does_not_know_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let text = Hardened::of("container").text("systemd.conf");
    for (ours, wrong) in [
        ("CapabilityBoundingSet", "CapabilityBoundSet"),
        ("=native", "=x87"),
        ("SystemCallFilter=~", "SystemCallFilter="),
        ("SystemCallFilter=accept4 ", "SystemCallFilter=acept4 "),
    ] {
        assert!(text.contains(ours), "{ours}");
        let unit = unit(folder.path(), &text.replace(ours, wrong));
        let ran = analyze(&["verify"], Some(&unit));
        if wrong.contains("acept4") {
            // A call that systemd does not know yet looks the same.
            assert!(ran.stderr.contains("ignoring: acept4"), "{}", ran.stderr);
        } else {
            assert_ne!(complaints(&ran.stderr), [""; 0], "{wrong}");
        }
    }
}
