//! Nothing stays: not after an error, a panic, an interruption.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use profiler::target::Session;
use profiler::target::cgroup::{Hierarchies, ScopeCgroup};
use profiler::target::engine::{EngineError, Interrupt, Interrupts, run_test, with_container};

use super::{Log, SERVICE, Subject, engine};

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
        .arg("leftovers::signals_are_heard_but_those_that_were_ignored")
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
