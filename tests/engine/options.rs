//! Options as `docker run` has them, and programs beside the container.

use std::process::Command;

use profiler::cli::RunOptions;
use profiler::target::engine::{Container, EngineError, with_container};
use profiler_tests::docker;

use super::{Log, OPEN, SERVICE, Subject, engine};

#[tokio::test]
async fn options_reach_the_container() {
    let mut subject = Subject::shell(
        "echo $A $(hostname) $(id -u) $(pwd) $(ulimit -n); grep -E 'NoNewPrivs|Seccomp:|CapBnd' \
         /proc/self/status; touch /x || exit 5",
    );
    subject.seccomp = Some(OPEN);
    subject.options = RunOptions {
        env: vec!["A=1".into()],
        hostname: Some("box".into()),
        user: Some("33".into()),
        workdir: Some("/srv".into()),
        read_only: true,
        ulimit: vec!["nofile=99".into()],
        cap_drop: vec!["ALL".into()],
        cap_add: vec!["CHOWN".into()],
        security_opt: vec!["no-new-privileges".into()],
        memory: Some("64m".into()),
        publish: vec!["127.0.0.1::80".into()],
        volume: vec!["/anonymous".into()],
        ..RunOptions::default()
    };
    let log = Log::default();
    let container = Container::create(&engine().await, &subject.spec())
        .await
        .unwrap();
    let volume = docker(&[
        "inspect",
        "--format",
        "{{(index .Mounts 0).Name}}",
        &subject.name,
    ]);
    container.start_with_log(log.clone()).await.unwrap();
    let exit = container.wait_exit().await.unwrap();
    container.remove().await.unwrap();
    assert_eq!(exit.exit_code, 5);
    let text = log.text().replace('\t', " ");
    for line in [
        "1 box 33 /srv 99",
        "CapBnd: 0000000000000001",
        "NoNewPrivs: 1",
        "Seccomp: 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let left = docker(&["volume", "ls", "-q", "--filter", &format!("name={volume}")]);
    assert_eq!(left, "", "the anonymous volume stays behind");
}

#[tokio::test]
async fn an_option_that_the_engine_refuses_is_told_in_its_words() {
    let mut subject = Subject::shell("true");
    subject.options.cap_add = vec!["FLYING".into()];
    let error = Container::create(&engine().await, &subject.spec())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the engine makes no container of profiler-test/busybox: "),
        "{error}"
    );
    assert!(error.contains("FLYING"), "{error}");
}

#[tokio::test]
async fn a_program_runs_beside_it() {
    let subject = Subject::shell(SERVICE);
    with_container(
        &engine().await,
        &subject.spec(),
        async |container| -> Result<_, EngineError> {
            container.start().await?;
            for argv in [
                &["sh", "-c", "echo beside; exit 7"][..],
                &["sh", "-c", "kill -KILL $$"],
                &["no-such-program"],
                &["/etc/hosts"],
            ] {
                let ran = Command::new("docker")
                    .args(["exec", &subject.name])
                    .args(argv)
                    .output()
                    .unwrap();
                let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
                let code = container.exec(&argv).await?;
                assert_eq!(Some(code), ran.status.code(), "{argv:?}");
                assert_ne!(code, 0);
            }
            container.stop().await?;
            let error = container.exec(&["true".to_owned()]).await.unwrap_err();
            assert!(error.to_string().contains("is not running"), "{error}");
            Ok(())
        },
    )
    .await
    .unwrap();
}
