//! What the engine tells of itself and of images, and what is said where it cannot.

use profiler::target::engine::{Container, ContainerSpec, Engine, EngineError};
use profiler_tests::docker;

use super::{IMAGE, Subject, engine};

#[tokio::test]
async fn the_engine_tells_of_itself_as_docker_has_it() {
    let facts = engine().await.facts().await.unwrap();
    let told = docker(&[
        "info",
        "--format",
        "{{.ServerVersion}} {{.DefaultRuntime}} {{.CgroupDriver}} {{.Driver}}",
    ]);
    let ours = [
        facts.version,
        facts.runtime,
        facts.cgroup_driver,
        facts.storage_driver,
    ];
    assert_eq!(ours.join(" "), told);
    assert_eq!(facts.name, "docker");
    assert!(facts.runtime_version.is_some());
}

#[tokio::test]
async fn an_image_tells_what_it_runs() {
    let facts = engine().await.image(IMAGE).await.unwrap();
    assert_eq!(
        facts.id,
        docker(&["image", "inspect", "--format", "{{.Id}}", IMAGE])
    );
    assert_eq!(facts.argv, ["/bin/sh"]);
    assert!(!facts.has_healthcheck);
}

#[tokio::test]
async fn an_image_that_is_not_here_is_named_with_its_mend() {
    let engine = engine().await;
    let error = engine.image("profiler-test/absent").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no image profiler-test/absent here; `docker pull profiler-test/absent` first"
    );
    let subject = Subject::new(&[]);
    let spec = ContainerSpec {
        image: "profiler-test/absent",
        ..subject.spec()
    };
    let error = Container::create(&engine, &spec).await.unwrap_err();
    assert!(matches!(error, EngineError::NoSuchImage { .. }), "{error}");
    assert_eq!(error.exit_code(), 125);
    let error = engine.image("../containers/json?all=1#").await.unwrap_err();
    assert!(matches!(error, EngineError::NotAnImage { .. }), "{error}");
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let absent = format!("unix://{}/absent.sock", folder.path().display());
    let deaf = folder.path().join("deaf.sock");
    // Nobody accepts, and nobody listens any more.
    drop(std::os::unix::net::UnixListener::bind(&deaf).unwrap());
    let deaf = format!("unix://{}", deaf.display());
    for (host, reason) in [
        (absent.as_str(), "no such socket"),
        (&deaf, "refused"),
        ("tcp://127.0.0.1:1", "refused"),
        ("gopher://x", "not supported"),
    ] {
        let error = Engine::connect_to(host).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("no container engine answers at {host}: ")),
            "{error}"
        );
        assert!(error.contains(reason), "{error}");
        assert!(error.contains("DOCKER_HOST"), "{error}");
    }
}
