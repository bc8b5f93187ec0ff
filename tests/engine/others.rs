//! Containers that somebody else starts, and an engine of the tests' own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::target::engine::{Action, ContainerEvent, Engine, EngineEvent, EventStream};
use profiler_tests::{docker, unique, wait_until};

use super::IMAGE;

/// Made by the docker command, which knows nothing of us; removed on drop.
pub struct Other {
    pub name: String,
}

impl Other {
    /// `docker run -d OPTIONS IMAGE COMMAND`
    pub fn run(options: &[&str], command: &[&str]) -> Self {
        Self::make(&["run", "--detach"], options, command)
    }

    /// Made, not started.
    pub fn create(options: &[&str], command: &[&str]) -> Self {
        Self::make(&["create"], options, command)
    }

    fn make(verb: &[&str], options: &[&str], command: &[&str]) -> Self {
        let other = Self {
            name: unique("other"),
        };
        let name = ["--name", &other.name];
        docker(&[verb, &name, options, &[IMAGE], command].concat());
        other
    }

    /// `docker inspect --format`
    pub fn inspect(&self, format: &str) -> String {
        docker(&["inspect", "--format", format, &self.name])
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = Command::new("docker")
            .args(["rm", "--force", "--volumes", &self.name])
            .output();
    }
}

/// The next event of the container of that name (the new one, for a renaming), those of other
/// tests' left out.
pub async fn next_of(events: &mut EventStream, name: &str) -> ContainerEvent {
    let heard = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            match events.next().await {
                EngineEvent::Container(event) if event.name == name.into() => return event,
                EngineEvent::Container(_) => {}
                other => panic!("the engine stays up: {other:?}"),
            }
        }
    });
    heard.await.expect("the engine tells it soon")
}

/// Until one that is so, which is the last; panics where none comes.
pub async fn actions_until(
    events: &mut EventStream,
    name: &str,
    last: impl Fn(&Action) -> bool,
) -> Vec<Action> {
    let mut actions = Vec::new();
    loop {
        actions.push(next_of(events, name).await.action);
        if actions.last().is_some_and(&last) {
            return actions;
        }
    }
}

/// A dockerd that may be killed: with a folder, a socket, a containerd and namespaces of its own.
pub struct OwnEngine {
    folder: tempfile::TempDir,
    daemon: Option<Child>,
}

impl OwnEngine {
    pub fn start() -> Self {
        let mut own = Self {
            folder: tempfile::tempdir().unwrap(),
            daemon: None,
        };
        own.start_again();
        let saved = own.folder.path().join("image.tar");
        docker(&["save", "--output", saved.to_str().unwrap(), IMAGE]);
        own.docker(&["load", "--input", saved.to_str().unwrap()]);
        own
    }

    pub fn start_again(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path("log"))
            .unwrap();
        // A dockerd without a bridge removes docker0, whosever it is: it gets a network of its
        // own, and with it goes what it mounts.
        let daemon = Command::new("unshare")
            .args(["--net", "--mount", "dockerd", "--host"])
            .arg(self.host())
            .arg("--data-root")
            .arg(path("data"))
            .arg("--exec-root")
            .arg(path("exec"))
            .arg("--pidfile")
            .arg(path("pid"))
            // Not the machine's, which names another folder.
            .arg("--config-file")
            .arg({
                std::fs::write(path("daemon.json"), "{}").unwrap();
                path("daemon.json")
            })
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .args(["--storage-driver=vfs"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
        wait_until(
            &format!("dockerd comes up: {}", path("log").display()),
            || {
                let mut asked = Command::new("docker");
                asked.args(["-H", &self.host(), "version"]);
                asked.output().unwrap().status.success()
            },
        );
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("sock").display())
    }

    pub async fn connect(&self) -> Engine {
        Engine::connect_to(&self.host()).await.unwrap()
    }

    /// The docker command on this engine.
    #[track_caller]
    pub fn docker(&self, args: &[&str]) -> String {
        docker(&[&["-H", &self.host()], args].concat())
    }

    /// With its containerd, which dies when it does.
    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
        // Where nobody has reaped that yet the next dockerd would take it for alive.
        std::fs::remove_file(self.containerd_pid()).unwrap();
    }

    fn containerd_pid(&self) -> PathBuf {
        self.folder.path().join("exec/containerd/containerd.pid")
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = kill(Pid::from_raw(daemon.id().try_into().unwrap()), signal);
            let _ = daemon.wait();
        }
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        // Asked in good order it takes its containerd with it.
        self.end(Signal::SIGTERM);
        if let Some(left) = running(&self.containerd_pid()) {
            let _ = kill(left, Signal::SIGKILL);
        }
    }
}

/// The process that a pid file names, where that is a containerd.
fn running(pid_file: &Path) -> Option<Pid> {
    let pid = std::fs::read_to_string(pid_file).ok()?;
    let pid: i32 = pid.trim().parse().ok()?;
    let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    (comm.trim() == "containerd").then(|| Pid::from_raw(pid))
}
