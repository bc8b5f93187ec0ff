//! Containers that a test starts by itself: a Compose project, a suite with its own.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use profiler::recording::{Phase, Recording, SessionKind, Subject, command_line};
use profiler_tests::{calls, docker, file, image, run, unique, wait_until};

use super::watching::{
    Busybox, Event, Events, Place, X86_64, expect_runs, expect_same_calls, expect_whole, workload,
};
use super::{json, test_command};

const SERVICE_LABEL: &str = "com.docker.compose.service";

/// A project that is taken down, whatever comes of the test.
struct Project {
    name: String,
    files: Vec<String>,
}

impl Project {
    fn new() -> Self {
        let compose = file("containers/compose/docker-compose.yml");
        Self {
            name: unique("project"),
            files: vec![compose.to_str().unwrap().to_owned()],
        }
    }

    fn compose(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker-compose");
        command.args(["--project-name", &self.name]);
        for file in &self.files {
            command.args(["--file", file]);
        }
        command.args(arguments);
        command
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let down = ["down", "--volumes", "--timeout", "1"];
        let _ = self.compose(&down).output();
    }
}

#[test]
fn a_compose_project_has_a_file_a_service_and_a_run_a_life() {
    let (place, project) = (Place::new(), Project::new());
    let project_label = format!("com.docker.compose.project={}", project.name);
    let events = Events::of(&place, &project_label);
    let test = test_command("compose/test.sh");
    run(place
        .record(&["--compose-project", &project.name, "--test", &test])
        .env("PROJECT", &project.name))
    .expect_code(0);
    let events = events.until_all_are_gone();
    let recordings = place.recordings();

    let services: BTreeSet<&str> = events
        .iter()
        .map(|event| event.attributes[SERVICE_LABEL].as_str())
        .collect();
    assert_eq!(services, BTreeSet::from(["cache", "client", "web"]));
    assert_eq!(
        recordings
            .keys()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        services
    );
    // Two clients, and a cache that was restarted.
    assert_eq!(recordings["client"].runs.len(), 2);
    assert_eq!(recordings["cache"].runs.len(), 2);
    for (name, recording) in &recordings {
        let of_service: Vec<&Event> = events
            .iter()
            .filter(|event| event.attributes[SERVICE_LABEL] == *name)
            .collect();
        expect_service(&project.name, name, recording, &of_service);
    }
    expect_calls(
        &recordings["web"],
        &["accept4", "bind", "epoll_wait", "listen"],
    );
    expect_calls(
        &recordings["cache"],
        &["accept4", "bind", "epoll_wait", "fsync"],
    );
    assert!(
        workload(&recordings["client"]).is_superset(&client_calls()),
        "missing: {:?}",
        client_calls()
            .difference(&workload(&recordings["client"]))
            .collect::<Vec<_>>()
    );
    place.expect_nothing_left();
    expect_running_under_profiles(&place, recordings.keys());
}

#[track_caller]
fn expect_service(project: &str, name: &str, recording: &Recording, events: &[&Event]) {
    expect_whole(recording);
    let Subject::Image {
        service: Some(service),
        ..
    } = &recording.subject
    else {
        panic!("{:?}", recording.subject);
    };
    assert_eq!(service.project, project.into());
    assert_eq!(service.name, name.into());
    assert!(recording.confinement.filter.is("engine-default"));

    expect_runs([recording], events.iter().copied());
    assert!(
        recording
            .runs
            .iter()
            .all(|run| run.outcome.passed && run.outcome.test_exit == Some(0))
    );

    // An exec is a session, each command line once.
    let started: BTreeSet<String> = events
        .iter()
        .filter_map(|event| event.action.strip_prefix("exec_start: "))
        .map(|line| line.trim().to_owned())
        .collect();
    let sessions: BTreeSet<String> = recording
        .sessions
        .iter()
        .map(|session| command_line(&session.argv))
        .collect();
    assert_eq!(sessions, started, "{name}");
    assert!(
        recording
            .sessions
            .iter()
            .all(|session| session.kind == SessionKind::Exec)
    );
    assert!(!calls(recording, X86_64, Phase::Exec).is_empty(), "{name}");
}

#[track_caller]
fn expect_calls(recording: &Recording, names: &[&str]) {
    let workload = workload(recording);
    for name in names {
        assert!(workload.contains(*name), "{name} is not in {workload:?}");
    }
}

/// What the client's programs call on the host, by strace.
fn client_calls() -> BTreeSet<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nit works\n");
        }
    });
    let busybox = Busybox::of_image();
    let url = format!("http://127.0.0.1:{port}/");
    let mut calls = busybox.calls("wget", &["-q", "-O", "-", &url]);
    assert!(calls.contains("connect"), "{calls:?}");
    calls.extend(busybox.calls("sleep", &["0.1"]));
    calls.extend(busybox.calls("grep", &["-q", "it works"]));
    calls
}

/// The whole project again, each service under what was generated from its recording.
#[track_caller]
fn expect_running_under_profiles<'a>(place: &Place, services: impl Iterator<Item = &'a String>) {
    let mut project = Project::new();
    let mut override_file = String::from("services:\n");
    for service in services {
        let profile = place.profile(service);
        let profile = profile.display();
        writeln!(
            override_file,
            "  {service}:\n    security_opt: ['seccomp:{profile}']"
        )
        .unwrap();
    }
    let path = place.at("override.yml");
    std::fs::write(&path, override_file).unwrap();
    project.files.push(path.to_str().unwrap().to_owned());
    run(&mut project.compose(&["up", "--detach"])).expect_code(0);
    let client = run(&mut project.compose(&["ps", "--quiet", "client"])).expect_code(0);
    let client = client.stdout.trim();
    // The engine was given what was generated.
    let options = docker(&["inspect", "--format", "{{.HostConfig.SecurityOpt}}", client]);
    assert!(options.contains("SCMP_ACT_ERRNO"), "{options}");
    wait_until(
        "a client has answers from both under their profiles",
        || {
            let rounds = Command::new("docker")
                .args(["exec", client, "cat", "/tmp/rounds"])
                .output()
                .unwrap();
            String::from_utf8_lossy(&rounds.stdout)
                .trim()
                .parse::<u32>()
                .is_ok_and(|rounds| rounds > 1)
        },
    );
}

#[test]
fn a_suites_own_containers_are_told_from_others() {
    let place = Place::new();
    let events = Events::of(&place, place.label());
    let stranger = unique("stranger");
    let busybox = image("busybox");
    // One that nobody asked about comes and goes before them, and one stays beside them.
    let test = format!(
        "set -e
         docker run --rm --network none --name {stranger}-0 {busybox} true
         docker run --detach --network none --name {stranger} {busybox} sleep 1000
         trap 'docker rm --force {stranger}' EXIT
         {}",
        test_command("own.sh")
    );
    run(place
        .record(&["--label", place.label(), "--test", &test])
        .env("LABEL", place.label()))
    .expect_code(0);
    let events = events.until_all_are_gone();
    let recordings = place.recordings();

    expect_runs(recordings.values(), &events);
    assert_eq!(
        recordings.keys().collect::<Vec<_>>(),
        ["busybox", "nginx", "redis"]
    );
    for recording in recordings.values() {
        expect_whole(recording);
        assert_eq!(recording.runs.len(), 1);
    }
    // It lives for less than 100 ms, and all of it is there.
    expect_same_calls(
        &workload(&recordings["busybox"]),
        &Busybox::of_image().calls("uname", &["-r"]),
    );
    expect_calls(&recordings["nginx"], &["accept4", "setgroups"]);
    expect_calls(&recordings["redis"], &["accept4", "setresuid"]);
    let profile = json(&place.profile("nginx"));
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    place.expect_nothing_left();
}

#[test]
fn all_containers_are_all() {
    let place = Place::new();
    let events = Events::of(&place, place.label());
    let test = format!(
        "docker run --rm --network none --label {} {} uname -r",
        place.label(),
        image("busybox")
    );
    run(&mut place.record(&["--all-containers", "--test", &test])).expect_code(0);
    let events = events.until_all_are_gone();
    let recordings = place.recordings();
    // Others on the machine may be among them.
    let container = &events[0].id;
    let ours = recordings
        .values()
        .flat_map(|recording| &recording.runs)
        .filter(|run| {
            run.container
                .as_ref()
                .is_some_and(|own| own.id == *container)
        });
    let exits: Vec<_> = ours.map(|run| run.outcome.subject_exit).collect();
    assert_eq!(exits, [Some(0)]);
    place.expect_nothing_left();
}

/// A cgroup that an engine is told to make containers' cgroups in.
struct Parent(String);

impl Parent {
    fn new() -> Self {
        let name = unique("elsewhere");
        Self(
            match docker(&["info", "--format", "{{.CgroupDriver}}"]).as_str() {
                "systemd" => format!("{}.slice", name.replace('-', "_")),
                _ => format!("/{name}"),
            },
        )
    }
}

impl Drop for Parent {
    /// The engine leaves it.
    fn drop(&mut self) {
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup")
            .into_iter()
            .flatten()
            .flatten()
        {
            let _ = std::fs::remove_dir(hierarchy.path().join(self.0.trim_start_matches('/')));
        }
        let _ = std::fs::remove_dir(format!("/sys/fs/cgroup{}", self.0));
    }
}

/// Where nobody looks before the engine has told of it: attached to where it lives long enough,
/// counted where it does not.
#[test]
fn one_that_is_made_elsewhere_is_not_missing_silently() {
    let (place, parent, other) = (Place::new(), Parent::new(), Parent::new());
    let (label, busybox) = (place.label(), image("busybox"));
    let start = format!("docker run --rm --network none --label {label}");
    let short = format!("{start} --cgroup-parent {} {busybox} true", parent.0);
    let ran = run(&mut place.record(&["--label", label, "--test", &short])).expect_code(125);
    let last = ran.stderr.lines().last().unwrap();
    assert!(last.contains("--cgroup-parent"), "{last}");

    let long = format!("{start} --cgroup-parent {} {busybox} sleep 3", other.0);
    let test = format!("{start} {busybox} uname; {long}; {short}");
    let record = ["--label", label, "--strict", "--test", &test];
    let ran = run(&mut place.record(&record)).expect_code(125);
    assert!(ran.stderr.contains("--strict"), "{}", ran.stderr);
    let recordings = place.recordings();
    let mut from_birth = Vec::new();
    for recording in recordings.values() {
        assert_eq!(recording.losses.unidentified, 1, "{:?}", recording.losses);
        assert_eq!(recording.losses.total(), 1, "{:?}", recording.losses);
        from_birth.extend(recording.runs.iter().map(|run| run.from_birth));
    }
    from_birth.sort_unstable();
    assert_eq!(from_birth, [false, true]);
    place.expect_nothing_left();
}
