//! Containers of our own, on a real engine: that they come up, are followed, end in the ordinary
//! way, and leave nothing behind. The docker command is the oracle.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests too")]

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use profiler::cli::RunOptions;
use profiler::target::Session;
use profiler::target::cgroup::{Hierarchies, ScopeCgroup};
use profiler::target::engine::{
    Container, ContainerSpec, Engine, EngineError, Interrupt, Interrupts, StartFailure, run_test,
    with_container,
};

/// `cargo xtask images` makes it.
const IMAGE: &str = "profiler-test/busybox";
const OPEN: &str = r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#;
/// Deaf to SIGTERM as any process 1 without a handler; says what happens to it.
const SERVICE: &str = "trap 'echo asked to stop; exit 3' TERM; echo out; echo err >&2; \
                       while :; do sleep 0.05; done";

/// What one test runs: a container of its own name.
struct Subject {
    session: Session,
    name: String,
    options: RunOptions,
    arguments: Vec<String>,
    seccomp: Option<&'static str>,
    cgroup_parent: Option<String>,
}

impl Subject {
    fn new(arguments: &[&str]) -> Self {
        let session = Session::new();
        Self {
            name: session.name(1),
            session,
            options: RunOptions::default(),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            seccomp: None,
            cgroup_parent: None,
        }
    }

    fn shell(script: &str) -> Self {
        Self::new(&["sh", "-c", script])
    }

    fn spec(&self) -> ContainerSpec<'_> {
        ContainerSpec {
            image: IMAGE,
            options: &self.options,
            arguments: &self.arguments,
            seccomp: self.seccomp,
            cgroup_parent: self.cgroup_parent.as_deref(),
            name: &self.name,
            session: self.session.id(),
        }
    }

    /// By our label, whatever its state.
    fn is_there(&self) -> bool {
        let label = format!("label=profiler.session={}", self.session.id());
        !docker(&["ps", "-aq", "--filter", &label]).is_empty()
    }
}

#[track_caller]
fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "docker {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Where a test takes a container's log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    async fn until_it_says(&self, part: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.text().contains(part) {
            assert!(
                Instant::now() < deadline,
                "no {part:?} in {:?}",
                self.text()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl tokio::io::AsyncWrite for Log {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn engine() -> Engine {
    Engine::connect().await.unwrap()
}

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
            assert_eq!(container.argv().await?, subject.arguments);

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

#[tokio::test]
async fn nothing_stays_after_an_error() {
    let subject = Subject::shell(SERVICE);
    let outcome = with_container(&engine().await, &subject.spec(), async |container| {
        container.start().await?;
        assert!(subject.is_there());
        Err::<(), Box<dyn std::error::Error>>("the test fails".into())
    })
    .await;
    assert_eq!(outcome.unwrap_err().to_string(), "the test fails");
    assert!(!subject.is_there());
}

#[tokio::test]
async fn nothing_stays_after_a_panic() {
    let subject = Arc::new(Subject::shell(SERVICE));
    let work = subject.clone();
    let panicked = tokio::spawn(async move {
        with_container(
            &engine().await,
            &work.spec(),
            async |container| -> Result<(), EngineError> {
                container.start().await?;
                assert!(!work.is_there(), "it is there, so this panics");
                Ok(())
            },
        )
        .await
    })
    .await
    .unwrap_err();
    assert!(panicked.is_panic());
    assert!(!subject.is_there());
}

/// Given up at moments all over its life, also in the middle of the request that makes it.
#[tokio::test]
async fn nothing_stays_of_work_that_is_dropped() {
    let engine = engine().await;
    for delay in [0, 2, 5, 10, 20, 50, 100, 200, 500] {
        let subject = Subject::shell(SERVICE);
        let spec = subject.spec();
        let work = with_container(
            &engine,
            &spec,
            async |container| -> Result<(), EngineError> {
                container.start().await?;
                std::future::pending().await
            },
        );
        let given_up = tokio::time::timeout(Duration::from_millis(delay), work).await;
        assert!(given_up.is_err());
        assert!(!subject.is_there(), "after {delay} ms");
    }
}

#[tokio::test]
async fn an_interruption_ends_the_test_and_the_container() {
    let subject = Subject::shell(SERVICE);
    let interrupt = Interrupt {
        signal: 15,
        from_terminal: false,
    };
    let (sender, interrupts) = Interrupts::channel();
    let log = Log::default();
    let begun = Instant::now();
    let outcome = with_container(
        &engine().await,
        &subject.spec(),
        async |container| -> Result<_, EngineError> {
            container.start_with_log(log.clone()).await?;
            log.until_it_says("err\n").await;
            let environment = container.environment().await?;
            let (outcome, ()) =
                tokio::join!(run_test("sleep 60", &environment, &interrupts), async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    sender.send(interrupt);
                });
            assert_eq!(
                interrupts.unless(container.wait_exit()).await.unwrap_err(),
                interrupt
            );
            container.stop().await?;
            Ok(outcome.unwrap())
        },
    )
    .await
    .unwrap();
    assert_eq!(outcome.exit_code, 128 + 15);
    assert_eq!(outcome.interrupted, Some(interrupt));
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(log.text().ends_with("asked to stop\n"), "{}", log.text());
    assert!(!subject.is_there());
}

#[tokio::test]
async fn the_container_lies_in_our_cgroup_and_no_directory_stays() {
    let engine = engine().await;
    let hierarchies = Hierarchies::find().unwrap();
    let driver = engine.facts().await.unwrap().cgroup_driver;
    let mut subject = Subject::shell(SERVICE);
    let scope = ScopeCgroup::engine_parent(&hierarchies, &driver, &subject.name).unwrap();
    subject.cgroup_parent = Some(scope.parent_argument().to_owned());
    with_container(
        &engine,
        &subject.spec(),
        async |container| -> Result<_, EngineError> {
            container.start().await?;
            let pid = container.pid().await?.unwrap();
            let memberships = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
            let own = memberships
                .lines()
                .find_map(|line| line.strip_prefix("0::"));
            let below = format!("/{}/", scope.path().file_name().unwrap().to_str().unwrap());
            assert!(own.unwrap().starts_with(&below), "{memberships}");
            assert!(scope.processes().unwrap().contains(&pid));
            Ok(())
        },
    )
    .await
    .unwrap();
    let name = scope.path().file_name().unwrap().to_owned();
    let places = || -> Vec<PathBuf> {
        std::iter::once(&hierarchies.unified)
            .chain(&hierarchies.controllers)
            .map(|mount| mount.join(&name))
            .filter(|path| path.exists())
            .collect()
    };
    assert!(!places().is_empty());
    scope.remove().unwrap();
    assert_eq!(places(), Vec::<PathBuf>::new());
}

#[test]
fn a_cgroup_below_our_own_holds_signals_and_kills() {
    let hierarchies = Hierarchies::find().unwrap();
    let scope = ScopeCgroup::below_own(&hierarchies, &Session::new().name(1)).unwrap();
    let nested = scope.path().join("nested");
    std::fs::create_dir(&nested).unwrap();
    let start = |cgroup: &std::path::Path| {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        std::fs::write(cgroup.join("cgroup.procs"), child.id().to_string()).unwrap();
        child
    };
    let mut children = [start(scope.path()), start(&nested)];
    let mut held = scope.processes().unwrap();
    held.sort_unstable();
    let mut pids = children
        .each_ref()
        .map(|child| i32::try_from(child.id()).unwrap());
    pids.sort_unstable();
    assert_eq!(held, pids);
    scope.kill().unwrap();
    for child in &mut children {
        use std::os::unix::process::ExitStatusExt as _;
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
    let path = scope.path().to_owned();
    drop(scope);
    assert!(!path.exists());
}

/// In a process of its own: what it sets up cannot be taken back.
#[test]
fn signals_are_heard_but_those_that_were_ignored() {
    use std::io::{BufRead as _, BufReader};
    const CHILD: &str = "PROFILER_TEST_HEARS_SIGNALS";
    if std::env::var_os(CHILD).is_some() {
        let interrupts = Interrupts::of_this_process().unwrap();
        eprintln!("listening");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let heard = runtime.unwrap().block_on(interrupts.any());
        eprintln!("heard {} {}", heard.signal, heard.from_terminal);
        return;
    }
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("signals_are_heard_but_those_that_were_ignored")
        .env(CHILD, "1")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "listening");
    for signal in ["HUP", "TERM"] {
        let kill = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }
    assert_eq!(lines.next().unwrap().unwrap(), "heard 15 false");
    assert!(child.wait().unwrap().success());
}
