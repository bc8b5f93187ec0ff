//! Containers of others, looked up: the docker command and /proc are the oracles.

use profiler::recording::Text;
use profiler::target::cgroup::{ExistingCgroup, Hierarchies, container_id, engine_parent};
use profiler::target::engine::{EngineError, Seccomp, configured_cgroup_parent};
use profiler_tests::{docker, unique};

use super::others::Other;
use super::{IMAGE, OPEN, engine};

const SLEEP: [&str; 2] = ["sleep", "100"];

fn status_field(pid: i32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split('\t').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_running_container_is_as_docker_inspect_has_it() {
    let options = [
        "--label",
        "team=a",
        "--entrypoint",
        "sh",
        "--security-opt",
        "no-new-privileges",
        "--cap-drop",
        "ALL",
        "--cap-add",
        "CHOWN",
    ];
    let other = Other::run(&options, &["-c", "sleep 100", "a b"]);
    let facts = engine().await.look_up(&other.name).await.unwrap();
    let told = other.inspect(
        "{{.Id}} {{.Name}} {{.Config.Image}} {{.Image}} {{.State.Pid}} {{.State.Status}} \
         {{.State.StartedAt}} {{.RestartCount}} {{json .Args}}",
    );
    let state = &facts.state;
    let arguments: Vec<String> = facts.argv[1..].iter().map(Text::to_string).collect();
    assert_eq!(
        told,
        format!(
            "{} /{} {} {} {} {} {} {} {}",
            facts.id,
            facts.name,
            facts.image,
            facts.image_id,
            state.pid.unwrap(),
            state.status,
            state.started_at.as_deref().unwrap(),
            facts.restart_count,
            serde_json::to_string(&arguments).unwrap(),
        )
    );
    assert_eq!(facts.argv[0], "sh".into());
    assert_eq!(facts.labels[&"team".into()], "a".into());
    assert_eq!((facts.health_check, state.exit_code), (None, None));
    assert!(facts.confinement.no_new_privileges && !facts.confinement.privileged);
    assert_eq!(facts.confinement.seccomp, Seccomp::EngineDefault);
    let [cap_add, cap_drop] = [&facts.confinement.cap_add, &facts.confinement.cap_drop];
    let told = other.inspect("{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}}");
    assert_eq!(told, format!("[{}] [{}]", cap_add[0], cap_drop[0]));
    let process = facts.process.unwrap();
    assert_eq!(process.seccomp_mode, Some(2));
    assert!(process.no_new_privileges);
    assert_eq!(process.capabilities, ["CAP_CHOWN"]);
    // By its id, and by the beginning of that, it is the same one.
    let short = engine().await.look_up(&facts.id[..12]).await.unwrap();
    assert_eq!(short.id, facts.id);
}

#[tokio::test]
async fn what_confines_a_container_is_told_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.json");
    std::fs::write(&file, OPEN).unwrap();
    let own = format!("seccomp={}", file.display());
    for (options, mode) in [
        (&[][..], "2"),
        (&["--security-opt", "seccomp=unconfined"], "0"),
        (&["--security-opt", &own], "2"),
    ] {
        let other = Other::run(options, &SLEEP);
        let facts = engine().await.look_up(&other.name).await.unwrap();
        let process = facts.process.unwrap();
        assert_eq!(status_field(process.pid, "Seccomp:"), mode, "{options:?}");
        assert_eq!(process.seccomp_mode.unwrap().to_string(), mode);
        let no_new_privileges = status_field(process.pid, "NoNewPrivs:") == "1";
        assert_eq!(process.no_new_privileges, no_new_privileges);
        match facts.confinement.seccomp {
            Seccomp::Unconfined => assert_eq!(mode, "0", "{options:?}"),
            Seccomp::EngineDefault => assert!(options.is_empty()),
            Seccomp::Own(profile) => {
                let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
                assert_eq!(read(&profile), read(OPEN));
                assert!(options.contains(&own.as_str()));
            }
            Seccomp::Unknown => panic!("{options:?}"),
        }
    }
    // Made only: where the host itself lacks a capability, privileged containers do not start.
    let with_own = ["--privileged", "--security-opt", &own];
    for (options, seccomp) in [
        (&["--privileged"][..], Seccomp::Unconfined),
        // Ignored or not, by the engine's version.
        (&with_own, Seccomp::Unknown),
    ] {
        let other = Other::create(options, &SLEEP);
        let facts = engine().await.look_up(&other.name).await.unwrap();
        assert_eq!(other.inspect("{{.HostConfig.Privileged}}"), "true");
        assert!(facts.confinement.privileged);
        assert_eq!(facts.confinement.seccomp, seccomp);
    }
}

#[tokio::test]
async fn one_that_does_not_run_is_told_with_its_state() {
    let engine = engine().await;
    let hierarchies = Hierarchies::find().unwrap();
    let other = Other::create(&[], &["sh", "-c", "exit 3"]);
    let facts = engine.look_up(&other.name).await.unwrap();
    assert_eq!(facts.state.status, "created");
    assert_eq!(
        (facts.state.exit_code, facts.state.started_at.clone()),
        (None, None)
    );
    docker(&["start", &other.name]);
    docker(&["wait", &other.name]);
    let facts = engine.look_up(&other.name).await.unwrap();
    assert_eq!(facts.state.exit_code, Some(3));
    assert_eq!(facts.process, None);
    let error = facts.cgroup(&hierarchies).unwrap_err();
    assert!(matches!(error, EngineError::NotRunning { .. }));
    let name = &other.name;
    assert_eq!(
        error.to_string(),
        format!(
            "the container {name} is not running, it is exited; `docker start` it first, or \
             record it from its start by its label"
        )
    );
}

#[tokio::test]
async fn one_that_restarts_for_ever_is_told_as_that() {
    let other = Other::run(&["--restart", "always"], &["sh", "-c", "exit 1"]);
    // The pauses between its attempts grow; in one of them it is looked up.
    profiler_tests::wait_until("it restarts", || {
        other.inspect("{{.State.Restarting}} {{.RestartCount}}") == "true 5"
    });
    let facts = engine().await.look_up(&other.name).await.unwrap();
    assert_eq!(
        (facts.state.status.as_str(), facts.state.pid),
        ("restarting", None)
    );
    assert!(facts.restart_count >= 5);
    let error = facts.cgroup(&Hierarchies::find().unwrap()).unwrap_err();
    assert!(error.to_string().contains("docker logs"), "{error}");
}

#[tokio::test]
async fn one_that_is_not_there_is_told_with_the_nearest_names() {
    let engine = engine().await;
    let other = Other::run(&[], &SLEEP);
    let mistyped = other.name.replace("other", "othre");
    let error = engine.look_up(&mistyped).await.unwrap_err();
    let EngineError::NoSuchContainer { nearest, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(nearest.first(), Some(&other.name.as_str().into()));
    assert!(error.to_string().contains(&other.name), "{error}");
    let error = engine.look_up("qqqqqq").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no container qqqqqq here; `docker ps` lists those that run"
    );
    for name in ["", "../images/json", "a?b=c", "a\u{1b}[31m"] {
        let error = engine.look_up(name).await.unwrap_err();
        assert!(
            matches!(error, EngineError::NotAContainer { .. }),
            "{error}"
        );
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[tokio::test]
async fn all_containers_are_listed_those_that_ended_too() {
    let labels = ["--label", "list=\u{1b}"];
    let running = Other::run(&labels, &SLEEP);
    let paused = Other::run(&labels, &SLEEP);
    docker(&["pause", &paused.name]);
    let created = Other::create(&labels, &SLEEP);
    let listed = engine().await.containers().await.unwrap();
    for (other, runs) in [(&running, true), (&paused, true), (&created, false)] {
        let id = other.inspect("{{.Id}}");
        let found = listed.iter().find(|found| found.id == id).unwrap();
        assert_eq!(found.name, other.name.as_str().into());
        assert_eq!((&found.image, found.running), (&IMAGE.into(), runs));
        assert_eq!(found.image_id, other.inspect("{{.Image}}"));
        assert_eq!(found.labels[&"list".into()], "\u{1b}".into());
    }
    // It is all there: frozen in its cgroup.
    let facts = engine().await.look_up(&paused.name).await.unwrap();
    assert_eq!(facts.state.status, "paused");
    facts.cgroup(&Hierarchies::find().unwrap()).unwrap();
}

#[tokio::test]
async fn its_cgroup_is_where_its_process_is() {
    let engine = engine().await;
    let hierarchies = Hierarchies::find().unwrap();
    let other = Other::run(&[], &["sh", "-c", "sleep 100 & wait"]);
    let facts = engine.look_up(&other.name).await.unwrap();
    let cgroup = facts.cgroup(&hierarchies).unwrap();
    let pid = facts.state.pid.unwrap();
    let memberships = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = cgroup.path().to_str().unwrap();
    assert!(
        memberships.contains(&format!("\n0::{path}\n")),
        "{memberships}"
    );
    assert_eq!(container_id(path), Some(facts.id.clone()));
    let processes = cgroup.processes().unwrap();
    assert!(
        processes.contains(&pid) && processes.len() == 2,
        "{processes:?}"
    );
    assert_eq!(
        ExistingCgroup::at(&hierarchies, cgroup.path()).unwrap(),
        cgroup
    );
    assert_eq!(
        ExistingCgroup::at(&hierarchies, cgroup.directory()).unwrap(),
        cgroup
    );

    let told = engine.facts().await.unwrap();
    let configured = configured_cgroup_parent();
    let parent = engine_parent(
        &hierarchies,
        &told.name,
        &told.cgroup_driver,
        configured.as_deref(),
    )
    .unwrap();
    assert_eq!(cgroup.parent(&hierarchies).unwrap(), Some(parent.clone()));
    assert!(parent.descendants().unwrap().contains(&cgroup));

    docker(&["rm", "--force", &other.name]);
    profiler_tests::wait_until("its cgroup is removed", || !cgroup.is_there());
    // Looked up before, gone now.
    let error = facts.cgroup(&hierarchies).unwrap_err();
    assert!(matches!(error, EngineError::Vanished { .. }), "{error}");
}

#[tokio::test]
async fn a_container_with_a_parent_of_its_own_is_found_elsewhere() {
    let engine = engine().await;
    let hierarchies = Hierarchies::find().unwrap();
    let driver = engine.facts().await.unwrap().cgroup_driver;
    let name = unique("other-parent");
    let scope =
        profiler::target::cgroup::ScopeCgroup::engine_parent(&hierarchies, &driver, &name).unwrap();
    let other = Other::run(&["--cgroup-parent", scope.parent_argument()], &SLEEP);
    let facts = engine.look_up(&other.name).await.unwrap();
    assert_eq!(facts.cgroup_parent, Some(scope.parent_argument().into()));
    let parent = facts.cgroup(&hierarchies).unwrap().parent(&hierarchies);
    assert_eq!(parent.unwrap().unwrap().id(), scope.id());
    drop(other);
    scope.remove().unwrap();
}
