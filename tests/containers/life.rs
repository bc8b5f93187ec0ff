//! A container that runs already, and what becomes of it under the recorder.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use profiler::recording::Assumption::{RuntimeTailUnseen, ShutdownUnseen, StartUpUnseen};
use profiler::recording::{Phase, Recording, SessionKind, command_line};
use profiler::target::cgroup::Hierarchies;
use profiler_tests::{Ran, calls, docker, image, program, run, unique, wait_until};

use super::watching::{
    Busybox, Events, Place, Watching, X86_64, expect_runs, expect_same_calls, expect_whole,
    inspect, recordings, workload,
};

#[test]
fn what_was_before_is_an_assumption_until_it_restarts() {
    let place = Place::new();
    let name = unique("nginx");
    place.run(&["--detach", "--name", &name, &image("nginx")]);
    let address = inspect(&name)["NetworkSettings"]["IPAddress"]
        .as_str()
        .unwrap()
        .to_owned();
    // Its entrypoint has the port for a moment before the server has it.
    let get = format!(
        "for _ in $(seq 100); do curl -sf --max-time 5 http://{address}/ && exit; sleep 0.1; done; exit 1"
    );
    run(Command::new("sh").args(["-c", &get])).expect_code(0);
    run(&mut place.record(&["--container", &name, "--test", &get])).expect_code(0);
    let attached = place.only_recording();
    assert_eq!(
        attached.assumptions,
        BTreeSet::from([RuntimeTailUnseen, StartUpUnseen, ShutdownUnseen])
    );
    assert_eq!(attached.losses.total(), 0);
    assert!(calls(&attached, X86_64, Phase::Runtime).is_empty());
    let seen = workload(&attached);
    for name in ["accept4", "recvfrom", "writev"] {
        assert!(seen.contains(name), "{name} is not in {seen:?}");
    }
    // It binds when it starts.
    assert!(!seen.contains("bind"), "{seen:?}");

    let watching = Watching::start(&place, &mut place.record(&["--container", &name]));
    let new_name = unique("renamed");
    docker(&["rename", &name, &new_name]);
    docker(&["pause", &new_name]);
    docker(&["unpause", &new_name]);
    docker(&["restart", "--time", "5", &new_name]);
    run(Command::new("sh").args(["-c", &get])).expect_code(0);
    docker(&["kill", &new_name]);
    docker(&["wait", &new_name]);
    watching.end().expect_code(0);
    let recording = place.only_recording();
    assert_eq!(recording.assumptions, BTreeSet::new());
    assert_eq!(recording.losses.total(), 0);
    let facts: Vec<_> = recording
        .runs
        .iter()
        .map(|run| {
            let name = run.container.as_ref().unwrap().name.to_string();
            (name, run.from_birth, run.to_end, run.outcome.subject_exit)
        })
        .collect();
    assert_eq!(
        facts,
        [
            (new_name.clone(), false, true, Some(0)),
            (new_name, true, true, Some(137))
        ]
    );
    assert!(workload(&recording).contains("bind"));
    assert!(!calls(&recording, X86_64, Phase::Runtime).is_empty());
    place.expect_nothing_left();
}

#[test]
fn out_of_memory_is_the_reason() {
    let place = Place::new();
    let events = Events::of(&place, place.label());
    let (mount, busybox) = (
        format!("{}:/oom:ro", program("oom").display()),
        image("busybox"),
    );
    let watching = Watching::start(&place, &mut place.record(&["--label", place.label()]));
    let name = unique("oom");
    let options = ["--memory", "32m", "--network", "none", "--volume", &mount];
    let mut all = vec!["create", "--name", &name, "--label", place.label()];
    all.extend(options);
    all.extend([&busybox, "/oom"]);
    docker(&all);
    docker(&["start", &name]);
    docker(&["wait", &name]);
    let state = inspect(&name)["State"].clone();
    assert_eq!(
        (&state["OOMKilled"], &state["ExitCode"]),
        (&true.into(), &137.into())
    );
    docker(&["rm", &name]);
    watching.end().expect_code(0);
    let recording = place.only_recording();
    expect_runs([&recording], &events.until_all_are_gone());
    expect_whole(&recording);
    let outcome = &recording.runs[0].outcome;
    assert!(!outcome.passed);
    let reason = outcome.reason.as_ref().unwrap().to_string();
    assert!(reason.contains("out of memory"), "{reason}");
    assert!(workload(&recording).contains("sysinfo"));
    place.expect_nothing_left();
}

#[test]
fn cgroups_that_it_makes_are_its_own() {
    let place = Place::new();
    let unified = Hierarchies::find().unwrap().unified;
    let (program, cgroups) = (
        format!("{}:/nested:ro", program("nested").display()),
        format!("{}:/cgroups", unified.display()),
    );
    let nested = [
        "--cgroupns",
        "host",
        "--network",
        "none",
        "--volume",
        &program,
        "--volume",
        &cgroups,
    ];
    let (busybox, label) = (image("busybox"), place.label());
    let watching = Watching::start(&place, &mut place.record(&["--label", label]));
    let mut all = vec!["--rm"];
    all.extend(nested);
    all.extend([&busybox, "/nested", "/cgroups"]);
    place.run(&all);
    watching.end().expect_code(0);
    let recording = place.only_recording();
    expect_whole(&recording);
    let workload = workload(&recording);
    // Called in the one and in the one below that.
    assert!(workload.is_superset(&["sysinfo", "times"].map(str::to_owned).into()));
    place.expect_nothing_left();
}

#[test]
fn exec_sessions_and_health_checks_are_apart() {
    let place = Place::new();
    let name = unique("nginx");
    let health = image("nginx-health");
    place.run(&["--detach", "--name", &name, &health]);
    let healthy = || inspect(&name)["State"]["Health"]["Status"] == "healthy";
    wait_until("it is healthy", healthy);
    let checks = || inspect(&name)["State"]["Health"]["Log"].to_string();
    let watching = Watching::start(&place, &mut place.record(&["--container", &name]));
    docker(&["exec", &name, "nginx", "-s", "reload"]);
    docker(&["exec", &name, "sh", "-c", "busybox uname -r"]);
    let before = checks();
    wait_until("another check ran", || checks() != before);
    let before = checks();
    wait_until("and one from its start", || checks() != before);
    watching.end().expect_code(0);
    let recording = place.only_recording();
    let mut sessions: Vec<_> = recording
        .sessions
        .iter()
        .map(|session| (session.kind, command_line(&session.argv)))
        .collect();
    sessions.sort();
    assert_eq!(
        sessions,
        [
            (SessionKind::Exec, "nginx -s reload".to_owned()),
            (SessionKind::Exec, "sh -c 'busybox uname -r'".to_owned()),
            (
                SessionKind::HealthCheck,
                "busybox test -s /run/nginx.pid".to_owned()
            ),
        ]
    );
    let of = |kind: SessionKind, program: &str| -> BTreeSet<String> {
        let session = recording.sessions.iter().find(|session| {
            session.kind == kind
                && session
                    .argv
                    .first()
                    .is_some_and(|word| *word == program.into())
        });
        let id = session.unwrap().id;
        let calls = recording.architectures[X86_64].iter();
        calls
            .filter(|(_, call)| call.callers.iter().any(|one| one.session == Some(id)))
            .map(|(name, _)| name.clone())
            .collect()
    };
    assert!(of(SessionKind::Exec, "nginx").contains("kill"));
    assert!(of(SessionKind::Exec, "sh").contains("uname"));
    let check = of(SessionKind::HealthCheck, "busybox");
    assert!(
        check.contains("newfstatat") && !check.contains("kill"),
        "{check:?}"
    );
    place.expect_nothing_left();
}

#[test]
fn two_recorders_see_the_same() {
    let place = Place::new();
    let name = place.service(&[]);
    let other = tempfile::tempdir().unwrap();
    let first = Watching::start(&place, &mut place.record(&["--container", &name]));
    let mut second = profiler_tests::profiler();
    second
        .args(["record", "--container", &name, "--quiet", "-o"])
        .arg(other.path())
        .stdin(Stdio::null());
    let second = Watching::start(&place, &mut second);
    docker(&["exec", &name, "sh", "-c", "uname -r; mkdir /made; sleep 1"]);
    docker(&["restart", &name]);
    docker(&["exec", &name, "ls", "/made"]);
    first.end().expect_code(0);
    second.end().expect_code(0);
    let (first, second) = (place.only_recording(), recordings(other.path()));
    let second = &second["busybox"];
    for phase in [Phase::Runtime, Phase::Workload, Phase::Exec] {
        let of = |recording: &Recording| calls(recording, X86_64, phase);
        expect_same_calls(&of(&first), &of(second));
        assert!(!of(&first).is_empty(), "{phase:?}");
    }
    for recording in [&first, second] {
        assert_eq!(recording.losses.total(), 0);
        assert_eq!(recording.runs.len(), 2);
        assert_eq!(recording.sessions.len(), 2, "{:?}", recording.sessions);
    }
    place.expect_nothing_left();
}

/// Nobody has to tell the recorder that there is nothing left.
#[test]
fn its_removal_is_the_end() {
    let place = Place::new();
    let name = place.service(&[]);
    let mut child = place
        .record(&["--container", &name, "--duration", "10m"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    wait_until("it is attached to", || {
        let line = lines.next().expect("it goes on").unwrap();
        line.contains(&format!("attached to {name}"))
    });
    docker(&["rm", "--force", &name]);
    let rest = lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
    let mut ran = Ran::of(child.wait_with_output().unwrap());
    ran.stderr = rest;
    ran.expect_code(0);
    let run = &place.only_recording().runs[0];
    assert!(run.to_end && !run.from_birth, "{run:?}");
    assert_eq!(run.outcome.subject_exit, Some(137));
    place.expect_nothing_left();
}

/// No filter at all: there is no boundary to be behind.
#[test]
fn an_unconfined_container_has_no_runtimes_tail() {
    let place = Place::new();
    let watching = Watching::start(&place, &mut place.record(&["--label", place.label()]));
    let busybox = image("busybox");
    let open = ["--rm", "--security-opt", "seccomp=unconfined"];
    let mut all = open.to_vec();
    all.extend(["--network", "none", &busybox, "uname", "-r"]);
    place.run(&all);
    watching.end().expect_code(0);
    let recording = place.only_recording();
    assert!(recording.confinement.filter.is("unconfined"));
    assert_eq!(recording.assumptions, BTreeSet::from([RuntimeTailUnseen]));
    assert_eq!(recording.losses.total(), 0);
    assert!(recording.runs[0].from_birth && recording.runs[0].to_end);
    expect_same_calls(
        &workload(&recording),
        &Busybox::of_image().calls("uname", &["-r"]),
    );
    place.expect_nothing_left();
}

#[test]
fn a_stopped_one_has_its_shutdown() {
    let place = Place::new();
    let name = place.service(&[]);
    let watching = Watching::start(&place, &mut place.record(&["--container", &name]));
    docker(&["stop", &name]);
    watching.end().expect_code(0);
    let recording = place.only_recording();
    assert_eq!(
        recording.assumptions,
        BTreeSet::from([RuntimeTailUnseen, StartUpUnseen])
    );
    assert_eq!(recording.runs[0].outcome.subject_exit, Some(0));
    assert!(workload(&recording).contains("exit_group"));
    place.expect_nothing_left();
}
