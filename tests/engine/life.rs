//! A container's life, the ordinary and the short ones.

use std::process::Command;
use std::time::{Duration, Instant};

use profiler::target::engine::{
    Container, EngineError, Interrupts, StartFailure, run_test, with_container,
};
use profiler_tests::docker;

use super::{IMAGE, Log, SERVICE, Subject, engine};

#[tokio::test]
async fn a_container_lives_and_ends_in_the_ordinary_way() {
    let subject = Subject::shell(SERVICE);
    let log = Log::default();
    let exit = with_container(
        &engine().await,
        &subject.spec(),
        async |container| -> Result<_, EngineError> {
            container.start_with_log(log.clone()).await?;
            container.ready().await?;
            log.until_it_says("err\n").await;
            let facts = container.facts().await?;
            let argv: Vec<String> = facts.argv.iter().map(ToString::to_string).collect();
            assert_eq!(argv, subject.arguments);
            assert_eq!(facts.id, container.id());

            let environment = container.environment().await?;
            let outcome = run_test(
                "test \"$PROFILER_CONTAINER_ID $PROFILER_IP\" = \"$(docker inspect --format \
                 '{{.Id}} {{.NetworkSettings.IPAddress}}' $PROFILER_CONTAINER)\"",
                &environment,
                &Interrupts::channel().1,
            )
            .await
            .unwrap();
            assert_eq!(outcome.exit_code, 0);

            container.pause().await?;
            assert_eq!(state(&subject), "paused");
            container.unpause().await?;
            container.stop().await?;
            container.wait_exit().await
        },
    )
    .await
    .unwrap();
    assert_eq!(exit.exit_code, 3);
    assert!(!exit.oom_killed);
    // Standard output and error come by two pipes, in no fixed order.
    assert_eq!(log.text().lines().last(), Some("asked to stop"));
    assert!(log.text().contains("out\n") && log.text().contains("err\n"));
    assert!(!subject.is_there());
}

fn state(subject: &Subject) -> String {
    docker(&["inspect", "--format", "{{.State.Status}}", &subject.name])
}

#[tokio::test]
async fn the_whole_log_is_there_however_fast_the_container_ends() {
    let subject = Subject::shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
    let log = Log::default();
    let container = Container::create(&engine().await, &subject.spec())
        .await
        .unwrap();
    container.start_with_log(log.clone()).await.unwrap();
    assert_eq!(container.wait_exit().await.unwrap().exit_code, 0);
    let text = log.text();
    assert_eq!(text.lines().count(), 20000);
    for (i, line) in text.lines().enumerate() {
        assert_eq!(line, format!("line {i}"));
    }
    container.remove().await.unwrap();
}

#[tokio::test]
async fn a_terminal_is_followed_too() {
    let mut subject = Subject::shell("tty && echo seen");
    subject.options.tty = true;
    let log = Log::default();
    let container = Container::create(&engine().await, &subject.spec())
        .await
        .unwrap();
    container.start_with_log(log.clone()).await.unwrap();
    assert_eq!(container.wait_exit().await.unwrap().exit_code, 0);
    assert!(log.text().contains("seen\r\n"), "{:?}", log.text());
    container.remove().await.unwrap();
}

#[tokio::test]
async fn a_health_check_decides_when_it_is_ready() {
    let mut subject = Subject::shell("sleep 1; touch /tmp/ready; sleep 100");
    subject.options.tmpfs = vec!["/tmp".into()];
    subject.options.health_cmd = Some("test -e /tmp/ready".into());
    // The first of the three failures that make it unhealthy, then a success.
    subject.options.health_interval = Some("700ms".into());
    subject.options.stop_signal = Some("SIGKILL".into());
    let begun = Instant::now();
    with_container(
        &engine().await,
        &subject.spec(),
        async |container| -> Result<_, EngineError> {
            container.start().await?;
            container.ready().await?;
            assert!(begun.elapsed() >= Duration::from_secs(1));
            let there = ["test", "-e", "/tmp/ready"].map(str::to_owned);
            assert_eq!(container.exec(&there).await?, 0);
            Ok(())
        },
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn an_unhealthy_container_is_told_with_its_last_check() {
    let mut subject = Subject::shell("sleep 100");
    subject.options.health_cmd = Some("printf 'no \\033[31mdata'; false".into());
    subject.options.health_interval = Some("50ms".into());
    let error = with_container(
        &engine().await,
        &subject.spec(),
        async |container| -> Result<(), EngineError> {
            container.start().await?;
            container.ready().await
        },
    )
    .await
    .unwrap_err()
    .to_string();
    assert!(
        error.ends_with("its check exits with 1 and says no \\u{1b}[31mdata"),
        "{error}"
    );
    assert!(!subject.is_there());
}

#[tokio::test]
async fn one_that_dies_at_once_is_not_ready() {
    let mut subject = Subject::shell("echo no configuration >&2; exit 78");
    // With a health check there is no moment at which it could pass for ready.
    subject.options.health_cmd = Some("true".into());
    let log = Log::default();
    let error = with_container(
        &engine().await,
        &subject.spec(),
        async |container| -> Result<(), EngineError> {
            container.start_with_log(log.clone()).await?;
            container.ready().await
        },
    )
    .await
    .unwrap_err();
    match &error {
        EngineError::EndedEarly { exit, .. } => assert_eq!(exit.exit_code, 78),
        other => panic!("{other}"),
    }
    assert_eq!(log.text(), "no configuration\n");
    assert!(!subject.is_there());
}

#[tokio::test]
async fn what_cannot_start_exits_as_docker_run_does() {
    for (program, failure) in [
        ("/no/such/program", StartFailure::NotFound),
        ("no-such-program", StartFailure::NotFound),
        ("/etc", StartFailure::NotExecutable),
        ("/etc/hosts", StartFailure::NotExecutable),
    ] {
        let subject = Subject::new(&[program]);
        let error = with_container(&engine().await, &subject.spec(), async |container| {
            container.start().await
        })
        .await
        .unwrap_err();
        match &error {
            EngineError::Start { failure: found, .. } => assert_eq!(*found, failure, "{error}"),
            other => panic!("{other}"),
        }
        let ran = Command::new("docker")
            .args(["run", "--rm", IMAGE, program])
            .output()
            .unwrap();
        assert_eq!(ran.status.code(), Some(error.exit_code().into()), "{error}");
        assert!(!subject.is_there());
    }
}

#[tokio::test]
async fn a_filter_that_ends_the_runtime_itself_is_told_as_that() {
    let mut subject = Subject::new(&["true"]);
    subject.seccomp = Some(r#"{"defaultAction":"SCMP_ACT_KILL_PROCESS"}"#);
    let error = with_container(&engine().await, &subject.spec(), async |container| {
        container.start().await
    })
    .await
    .unwrap_err();
    assert!(
        matches!(
            error,
            EngineError::Start {
                failure: StartFailure::Stopped,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("its filter denies"), "{error}");
    assert!(!subject.is_there());
}
