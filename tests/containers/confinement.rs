//! What a container that runs already is confined by: read, and what it refuses told apart.

use std::fs;
use std::process::Command;

use profiler::recording::{Phase, command_line};
use profiler_tests::{docker, run};

use super::json;
use super::watching::{Place, X86_64, inspect};

/// Process 1's bounding set, as the kernel tells it: a bit a capability.
fn bounding_set(container: &str) -> u64 {
    let pid = &inspect(container)["State"]["Pid"];
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    u64::from_str_radix(line.unwrap().trim(), 16).unwrap()
}

fn sha256sum(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    fs::write(&path, text).unwrap();
    let ran = run(Command::new("sha256sum").arg(&path)).expect_code(0);
    ran.stdout.split(' ').next().unwrap().to_owned()
}

#[test]
fn what_it_runs_under_is_read() {
    let place = Place::new();
    let own = place.at("own.json");
    fs::write(&own, r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#).unwrap();
    let own = format!("seccomp={}", own.display());
    for (options, filter, no_new_privileges) in [
        (&[][..], "engine-default", false),
        (&["--security-opt", &own], "own", false),
        (
            &["--security-opt", "seccomp=unconfined", "--cap-drop", "ALL"],
            "unconfined",
            false,
        ),
        (
            &[
                "--security-opt",
                "no-new-privileges",
                "--cap-add",
                "SYS_ADMIN",
            ],
            "engine-default",
            true,
        ),
    ] {
        let name = place.service(options);
        let bounding_set = bounding_set(&name);
        run(&mut place.record(&["--container", &name, "--test", "true"])).expect_code(0);
        let recording = place.only_recording();
        let confinement = &recording.confinement;
        assert!(
            confinement.filter.is(filter),
            "{options:?}: {confinement:?}"
        );
        assert_eq!(confinement.no_new_privileges, no_new_privileges);
        assert!(!confinement.privileged);
        let capabilities = confinement.capabilities.as_ref().unwrap();
        assert_eq!(
            capabilities.len(),
            bounding_set.count_ones() as usize,
            "{options:?}: {capabilities:?}"
        );
        // As the engine was given it.
        let given = inspect(&name)["HostConfig"]["SecurityOpt"]
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|option| option.as_str()?.strip_prefix("seccomp=").map(sha256sum));
        let given = given.filter(|_| filter == "own");
        assert_eq!(confinement.filter.sha256, given);
        docker(&["rm", "--force", &name]);
    }
    place.expect_nothing_left();
}

/// Tried, not used.
#[test]
fn a_call_that_its_filter_refuses_is_not_allowed_by_what_is_generated() {
    let place = Place::new();
    let name = place.service(&[]);
    let test = format!("docker exec {name} unshare -U true && exit 1; docker exec {name} uname");
    run(&mut place.record(&["--container", &name, "--test", &test])).expect_code(0);
    let recording = place.only_recording();
    let unshare = &recording.architectures[X86_64]["unshare"];
    assert!(unshare.callers.is_empty(), "{unshare:?}");
    let [attempt] = &unshare.tried[..] else {
        panic!("{unshare:?}");
    };
    assert_eq!((attempt.errno, attempt.count()), (Some(1), 1));
    assert_eq!(attempt.caller.phase, Phase::Exec);
    let session = &recording.sessions[attempt.caller.session.unwrap() as usize - 1];
    assert_eq!(command_line(&session.argv), "unshare -U true");

    let profile = json(&place.profile("busybox"));
    let rules = profile["syscalls"].as_array().unwrap();
    let allowed: Vec<&str> = rules
        .iter()
        .filter(|rule| rule["action"] == "SCMP_ACT_ALLOW")
        .flat_map(|rule| rule["names"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(allowed.contains(&"uname"), "{allowed:?}");
    assert!(!allowed.contains(&"unshare"), "{allowed:?}");
    place.expect_nothing_left();
}
