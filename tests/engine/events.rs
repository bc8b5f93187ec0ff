//! What the engine tells of containers that somebody else starts.

use std::collections::BTreeMap;
use std::time::Duration;

use profiler::recording::Text;
use profiler::target::engine::{
    Action, ComposeService, ContainerEvent, EngineEvent, Exec, Selector,
};
use profiler_tests::{docker, unique};
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::others::{Other, OwnEngine, actions_until, next_of};
use super::{IMAGE, engine};

const HOSTILE: &str = "\u{1b}[31m\"'<script>\\x";

#[tokio::test]
async fn a_whole_life_is_told_in_order() {
    let mut events = engine().await.events().await.unwrap();
    let label = format!("hostile={HOSTILE}");
    let options = [
        "--label",
        "com.docker.compose.project=shop",
        "--label",
        "com.docker.compose.service=web",
        "--label",
        &label,
    ];
    let other = Other::create(&options, &["sh", "-c", "sleep 3; exit 7"]);
    let id = other.inspect("{{.Id}}");
    docker(&["start", &other.name]);
    docker(&["pause", &other.name]);
    docker(&["unpause", &other.name]);
    docker(&["wait", &other.name]);
    let born = next_of(&mut events, &other.name).await;
    assert_eq!(born.action, Action::Create);
    assert_eq!((born.id.as_str(), born.image), (id.as_str(), IMAGE.into()));
    assert_eq!(born.labels[&"hostile".into()], HOSTILE.into());
    assert!(Selector::ComposeProject("shop".into()).matches(&born.labels));
    let service = ComposeService::of(&born.labels).unwrap();
    assert_eq!(service.name, "web".into());
    let age = born.at.elapsed().unwrap_or_default();
    assert!(age < Duration::from_mins(1), "{age:?}");
    let life = actions_until(&mut events, &other.name, |action| {
        matches!(action, Action::Die { .. })
    })
    .await;
    let seven = Action::Die { exit_code: Some(7) };
    assert_eq!(life, [Action::Start, Action::Pause, Action::Unpause, seven]);

    let renamed = unique("renamed");
    docker(&["rename", &other.name, &renamed]);
    docker(&["rm", &renamed]);
    let old = Some(Text::from(other.name.as_str()));
    for action in [Action::Rename { old }, Action::Destroy] {
        let told = next_of(&mut events, &renamed).await;
        assert_eq!((told.id.as_str(), told.action), (id.as_str(), action));
    }
}

#[tokio::test]
async fn what_joins_a_container_is_told_with_its_command() {
    let mut events = engine().await.events().await.unwrap();
    let check = "test -e /etc/passwd && echo 'a  b'";
    let options = ["--health-cmd", check, "--health-interval", "200ms"];
    let other = Other::run(&options, &["sleep", "100"]);
    let mut checks = BTreeMap::new();
    let told = actions_until(&mut events, &other.name, |action| {
        matches!(action, Action::HealthStatus(_))
    })
    .await;
    assert_eq!(told.last(), Some(&Action::HealthStatus("healthy".into())));
    for action in told {
        if let Action::ExecCreate(exec) | Action::ExecStart(exec) = action {
            assert_eq!(exec.command, format!("/bin/sh -c {check}").into());
            *checks.entry(exec.id.unwrap()).or_insert(0) += 1;
        }
    }
    assert_eq!(checks.values().next(), Some(&2), "created and started");
    // The same as the look-up has it, word by word.
    let facts = engine().await.look_up(&other.name).await.unwrap();
    assert_eq!(
        facts.health_check.unwrap(),
        ["/bin/sh", "-c", check].map(Text::from)
    );

    docker(&["exec", &other.name, "echo", "a b", HOSTILE]);
    let expected = Text::from(format!("echo a b {HOSTILE}"));
    let told = actions_until(
        &mut events,
        &other.name,
        |action| matches!(action, Action::ExecStart(exec) if exec.command == expected),
    )
    .await;
    let created = |action: &Action| matches!(action, Action::ExecCreate(Exec { command, .. }) if *command == expected);
    assert!(told.iter().any(created), "{told:?}");
}

#[tokio::test]
async fn a_container_without_memory_is_told_of() {
    let mut events = engine().await.events().await.unwrap();
    let other = Other::run(
        &["--memory", "16m", "--memory-swap", "16m"],
        // Nothing of it can be reclaimed: a heap that grows may hold on for a minute.
        &[
            "dd",
            "if=/dev/zero",
            "of=/dev/shm/fill",
            "bs=1M",
            "count=60",
        ],
    );
    let code = docker(&["wait", &other.name]).parse().ok();
    // Removed, so that there is an end to wait for: the engine tells of the kill before or after
    // the death, or, where that was too quick for it, not at all.
    let facts = engine().await.look_up(&other.name).await.unwrap();
    let killed = other.inspect("{{.State.OOMKilled}}");
    assert_eq!(facts.state.oom_killed.to_string(), killed);
    docker(&["rm", "-f", &other.name]);
    let told = actions_until(&mut events, &other.name, |action| {
        *action == Action::Destroy
    })
    .await;
    assert!(told.contains(&Action::Die { exit_code: code }), "{told:?}");
    assert_eq!(told.contains(&Action::Oom).to_string(), killed, "{told:?}");
}

/// With a second thread, as the command has: an engine that nobody reads drops events.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_are_all_told_though_nobody_listens_meanwhile() {
    let mut events = engine().await.events().await.unwrap();
    let others: Vec<Other> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..5)
            .map(|_| {
                scope.spawn(|| {
                    let run = |_| Other::run(&["--network", "none"], &["true"]);
                    (0..10).map(run).collect::<Vec<_>>()
                })
            })
            .collect();
        let started = starting.into_iter().map(|thread| thread.join().unwrap());
        started.flatten().collect()
    });
    for other in &others {
        docker(&["wait", &other.name]);
    }
    let mut lives: BTreeMap<Text, Vec<Action>> = BTreeMap::new();
    let died = |life: &Vec<Action>| matches!(life.last(), Some(Action::Die { .. }));
    while lives.len() < others.len() || !lives.values().all(died) {
        let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
        let EngineEvent::Container(event) = event.expect("all have ended") else {
            panic!("the engine stays up");
        };
        if others
            .iter()
            .any(|other| event.name == other.name.as_str().into())
        {
            lives.entry(event.name).or_default().push(event.action);
        }
    }
    let whole = [
        Action::Create,
        Action::Start,
        Action::Die { exit_code: Some(0) },
    ];
    for (name, life) in lives {
        assert_eq!(life, whole, "{name}");
    }
}

/// Between us and the machine's engine: cut, the engine goes on.
struct Line {
    folder: tempfile::TempDir,
    open: Option<JoinHandle<()>>,
}

impl Line {
    fn new() -> Self {
        let mut line = Self {
            folder: tempfile::tempdir().unwrap(),
            open: None,
        };
        line.mend();
        line
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("line.sock")
    }

    fn mend(&mut self) {
        let listener = UnixListener::bind(self.path()).unwrap();
        self.open = Some(tokio::spawn(async move {
            let mut lines = tokio::task::JoinSet::new();
            while let Ok((mut ours, _)) = listener.accept().await {
                lines.spawn(async move {
                    let mut engine = UnixStream::connect("/var/run/docker.sock").await?;
                    copy_bidirectional(&mut ours, &mut engine).await
                });
            }
        }));
    }

    async fn cut(&mut self) {
        let open = self.open.take().unwrap();
        open.abort();
        let _ = open.await;
        std::fs::remove_file(self.path()).unwrap();
    }
}

#[tokio::test]
async fn what_happens_while_the_line_is_cut_is_told_afterwards_and_once() {
    let mut line = Line::new();
    let host = format!("unix://{}", line.path().display());
    let engine = profiler::target::engine::Engine::connect_to(&host)
        .await
        .unwrap();
    let mut events = engine.events().await.unwrap();
    let other = Other::create(&[], &["true"]);
    assert_eq!(
        next_of(&mut events, &other.name).await.action,
        Action::Create
    );

    line.cut().await;
    let away = events.next().await;
    assert!(matches!(away, EngineEvent::Disconnected { .. }), "{away:?}");
    docker(&["start", &other.name]);
    docker(&["wait", &other.name]);
    let meanwhile = Other::create(&[], &["true"]);
    line.mend();
    let EngineEvent::Reconnected { containers } = events.next().await else {
        panic!("it is back");
    };
    for name in [&other.name, &meanwhile.name] {
        let found = containers
            .iter()
            .find(|found| found.name == name.as_str().into());
        assert!(!found.unwrap().running);
    }
    let mut told: BTreeMap<Text, Vec<Action>> = BTreeMap::new();
    let names = [&other, &meanwhile].map(|other| Text::from(other.name.as_str()));
    let rest = async {
        loop {
            if let EngineEvent::Container(ContainerEvent { name, action, .. }) = events.next().await
                && names.contains(&name)
            {
                told.entry(name).or_default().push(action);
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(3), rest).await;
    let ended = Action::Die { exit_code: Some(0) };
    assert_eq!(told[&names[0]], [Action::Start, ended]);
    assert_eq!(told[&names[1]], [Action::Create]);
}

#[tokio::test]
async fn an_engine_that_was_killed_is_heard_again() {
    let mut own = OwnEngine::start();
    let engine = own.connect().await;
    let mut events = engine.events().await.unwrap();
    let create = |own: &OwnEngine, name: &str| {
        own.docker(&["create", "--network", "none", "--name", name, IMAGE, "true"]);
    };
    create(&own, "before");
    assert_eq!(next_of(&mut events, "before").await.action, Action::Create);

    own.kill();
    let away = events.next().await;
    assert!(matches!(away, EngineEvent::Disconnected { .. }), "{away:?}");
    own.start_again();
    let back = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
    let EngineEvent::Reconnected { containers } = back.expect("it is up") else {
        panic!("it is back");
    };
    let names: Vec<_> = containers
        .iter()
        .map(|found| found.name.to_string())
        .collect();
    assert_eq!(names, ["before"]);
    create(&own, "after");
    assert_eq!(next_of(&mut events, "after").await.action, Action::Create);
    own.docker(&["rm", "before"]);
    assert_eq!(next_of(&mut events, "before").await.action, Action::Destroy);
}

#[tokio::test]
async fn an_event_that_nobody_waited_for_is_not_lost() {
    let mut events = engine().await.events().await.unwrap();
    let other = Other::create(&[], &["true"]);
    // Given up in the middle, again and again.
    let heard = async {
        loop {
            let next = tokio::time::timeout(Duration::from_millis(1), events.next());
            if let Ok(EngineEvent::Container(event)) = next.await
                && event.name == other.name.as_str().into()
            {
                return event.action;
            }
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(20), heard).await;
    assert_eq!(heard.unwrap(), Action::Create);
}
