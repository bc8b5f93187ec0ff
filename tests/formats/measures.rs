//! What `harden` keeps beside filter and capabilities, as each program reads it.

use profiler::cli::{OutputFormat, RunOptions};
use profiler::output::{self, Hardening, Name};
use profiler_tests::{file, run};
use serde_json::{Value, json};

use super::podman::{command_line, quadlet};
use super::{faults, schema, tool, write, yaml};

/// Of a service `web` of `app:1`.
fn hardening() -> Hardening {
    let recording = profiler::recording::read(&file("golden/container.recording.json")).unwrap();
    let subject = recording.subject;
    Hardening {
        name: Name::of(&subject, Some("web")).unwrap(),
        subject,
        profile: serde_json::from_value(json!({"defaultAction": "SCMP_ACT_ERRNO"})).unwrap(),
        profile_path: "seccomp.json".to_owned(),
        capabilities: serde_json::from_value(json!({"add": []})).unwrap(),
        no_new_privileges: true,
        internal_network: true,
        options: RunOptions {
            read_only: true,
            tmpfs: vec!["/run:rw,noexec,nosuid,nodev,size=16m".into()],
            volume: vec!["web-data:/data".into()],
            user: Some("33:44".into()),
            memory: Some("70m".into()),
            pids_limit: Some(64),
            ulimit: vec!["nofile=1024:1024".into()],
            ..RunOptions::default()
        },
        arguments: Vec::new(),
    }
}

fn text(format: OutputFormat, hardening: &Hardening) -> String {
    output::write(format, hardening).unwrap().0
}

#[test]
fn compose_lays_all_of_it_over_a_service() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let hardening = hardening();
    let base = json!({"services": {"web": {"image": "app:1"}, "other": {"image": "app:1"}}});
    write(&folder.join("compose.yaml"), &base.to_string());
    for (name, format) in [
        ("seccomp.json", OutputFormat::Oci),
        ("compose.override.yaml", OutputFormat::Compose),
    ] {
        write(&folder.join(name), &text(format, &hardening));
    }
    let ran = run(tool("docker-compose", folder)
        .args(["--project-name", "shop", "-f", "compose.yaml"])
        .args(["-f", "compose.override.yaml", "config"]))
    .expect_code(0);
    let project = yaml(&ran.stdout);
    let service = &project["services"]["web"];
    assert_eq!(service["read_only"], true);
    assert_eq!(service["user"], "33:44");
    assert_eq!(service["pids_limit"], 64);
    assert_eq!(service["volumes"], json!(["web-data:/data:rw"]));
    assert_eq!(service["ulimits"]["nofile"]["hard"], 1024);
    // In that one alone, and others not at all.
    let networks = &service["networks"];
    let is_alone = match networks {
        Value::Array(names) => *names == [json!("web-internal")],
        Value::Object(names) => names.keys().collect::<Vec<_>>() == ["web-internal"],
        _ => false,
    };
    assert!(is_alone, "{networks}");
    assert_eq!(project["networks"]["web-internal"]["internal"], true);
    let other = project["services"]["other"]["networks"].to_string();
    assert!(!other.contains("internal"), "{other}");
}

#[test]
fn a_pod_and_the_policy_that_chooses_it() {
    let mut hardening = hardening();
    let mut read = || {
        let text = text(OutputFormat::Kubernetes, &hardening);
        hardening.internal_network = false;
        hardening.options.network = Some("none".into());
        let (pod, policy) = text.split_once("---\n").expect("two documents");
        let (pod, policy) = (yaml(pod), yaml(policy));
        assert_eq!(faults(&schema("pod.v1.33.json"), &pod), [""; 0]);
        let policies = schema("networkpolicy.v1.33.json");
        assert_eq!(faults(&policies, &policy), [""; 0]);
        let chosen = &policy["spec"]["podSelector"]["matchLabels"];
        assert_eq!(*chosen, pod["metadata"]["labels"]);
        let mut wrong = policy.clone();
        wrong["spec"]["podselector"] = json!({});
        assert_ne!(faults(&policies, &wrong), [""; 0]);
        policy["spec"].clone()
    };
    let internal = read();
    assert_eq!(internal["policyTypes"], json!(["Egress"]));
    assert_eq!(internal["egress"], json!([{"to": [{"podSelector": {}}]}]));
    let none = read();
    assert_eq!(none["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(none["egress"], Value::Null);
}

#[test]
fn quadlet_makes_a_service_of_it() {
    let units = tempfile::tempdir().unwrap();
    let unit = text(OutputFormat::Podman, &hardening());
    write(&units.path().join("web.container"), &unit);
    let words = command_line(&quadlet(units.path()).expect_code(0));
    let line = words.join(" ");
    for part in [
        "--network web-internal",
        "--read-only",
        "--tmpfs /run:rw,noexec,nosuid,nodev,size=16m",
        "-v web-data:/data",
        "--user 33:44",
        "--memory 70m",
        "--pids-limit 64",
        "--ulimit nofile=1024:1024",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

/// A network of that name that is not internal starts nothing.
#[test]
fn a_shell_makes_the_network_first() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(
        &folder.join("docker-run.sh"),
        &text(OutputFormat::DockerRun, &hardening()),
    );
    // Says what it is run with; how `inspect` and `create` come out is in files.
    let docker = "#!/bin/sh\nprintf '%s\\n' \"$*\" >> said\ncase $2 in\n\
        inspect) cat internal 2> /dev/null;;\ncreate) [ ! -e internal ] && echo ID;;\nesac\n";
    write(&folder.join("bin/docker"), docker);
    run(tool("chmod", folder).args(["+x", "bin/docker"])).expect_code(0);
    let paste = |internal: Option<&str>| {
        let state = folder.join("internal");
        match internal {
            Some(internal) => write(&state, internal),
            None => drop(std::fs::remove_file(&state)),
        }
        let _ = std::fs::remove_file(folder.join("said"));
        let ran = run(tool("sh", folder)
            .arg("docker-run.sh")
            .env("PATH", format!("{}/bin:/usr/bin:/bin", folder.display())));
        assert_eq!(ran.stdout, "");
        let said = std::fs::read_to_string(folder.join("said")).unwrap();
        let verbs = said.lines().map(|line| {
            let words: Vec<&str> = line.split(' ').take(2).collect();
            words.join(" ")
        });
        (ran.code, verbs.collect::<Vec<_>>())
    };
    let (inspect, create, start) = ("network inspect", "network create", "run --security-opt");
    assert_eq!(
        paste(None),
        (0, [inspect, create, start].map(str::to_owned).to_vec())
    );
    assert_eq!(
        paste(Some("true")),
        (0, [inspect, start].map(str::to_owned).to_vec())
    );
    assert_eq!(
        paste(Some("false")),
        (1, [inspect, create].map(str::to_owned).to_vec())
    );
}
