//! The engine restarts under the recorder, its containers live on. Only an engine of the test's
//! own may do that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::recording::Recording;
use profiler_tests::{docker, image, wait_until};

use super::watching::{Place, Watching, expect_whole, workload};

/// A dockerd with `--live-restore`: with a folder, a socket, a containerd and namespaces of its
/// own. Its containers' cgroups lie beside those of the machine's.
struct OwnEngine {
    folder: tempfile::TempDir,
    /// Keeps the namespaces, in which the networks of containers are mounted, from one dockerd to
    /// the next. A dockerd without a bridge removes docker0, whosever it is: hence a network of
    /// its own.
    namespaces: Child,
    daemon: Option<Child>,
}

impl OwnEngine {
    fn start() -> Self {
        let namespaces = Command::new("unshare")
            .args(["--net", "--mount", "sleep", "infinity"])
            .spawn()
            .unwrap();
        let of = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
        wait_until("the namespaces are there", || {
            of(&namespaces.id().to_string()) != of("self")
        });
        let mut own = Self {
            folder: tempfile::tempdir().unwrap(),
            namespaces,
            daemon: None,
        };
        own.start_again();
        let image = image("busybox");
        let saved = own.at("image.tar");
        docker(&["save", "--output", saved.to_str().unwrap(), &image]);
        own.docker(&["load", "--input", saved.to_str().unwrap()]);
        own
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_again(&mut self) {
        // Not the machine's, which names another folder.
        fs::write(self.at("daemon.json"), "{}").unwrap();
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.at("log"))
            .unwrap();
        let daemon = Command::new("nsenter")
            .args(["--net", "--mount", "--target"])
            .arg(self.namespaces.id().to_string())
            .args(["dockerd", "--live-restore", "--storage-driver=vfs"])
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .args(["--host", &self.host(), "--config-file"])
            .arg(self.at("daemon.json"))
            .arg("--data-root")
            .arg(self.at("data"))
            .arg("--exec-root")
            .arg(self.at("exec"))
            .arg("--pidfile")
            .arg(self.at("pid"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
        wait_until("dockerd comes up", || {
            let mut asked = Command::new("docker");
            asked.args(["-H", &self.host(), "version"]);
            asked.output().unwrap().status.success()
        });
    }

    fn host(&self) -> String {
        format!("unix://{}", self.at("sock").display())
    }

    /// The docker command on this engine.
    #[track_caller]
    fn docker(&self, args: &[&str]) -> String {
        docker(&[&["-H", &self.host()], args].concat())
    }

    /// In good order: its containerd goes with it, the containers stay.
    fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let pid = Pid::from_raw(daemon.id().try_into().unwrap());
            let _ = kill(pid, Signal::SIGTERM);
            let _ = daemon.wait();
        }
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        if self.daemon.is_some() {
            let host = self.host();
            let mut remove = Command::new("sh");
            remove.args(["-c", "docker ps -aq | xargs -r docker rm --force"]);
            let _ = remove.env("DOCKER_HOST", host).output();
        }
        self.stop();
        if let Some(left) = containerd(&self.at("exec/containerd/containerd.pid")) {
            let _ = kill(left, Signal::SIGKILL);
        }
        let _ = self.namespaces.kill();
        let _ = self.namespaces.wait();
    }
}

/// The process that a pid file names, where that is a containerd.
fn containerd(pid_file: &Path) -> Option<Pid> {
    let pid: i32 = fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    (comm.trim() == "containerd").then(|| Pid::from_raw(pid))
}

/// What a container does once it is told to: by a file, since the engine is away.
fn once_told(what: &str) -> String {
    format!("trap 'exit 0' TERM; until [ -e /told/go ]; do sleep 0.1; done; {what}")
}

#[test]
fn containers_are_recorded_while_their_engine_is_away() {
    let place = Place::new();
    let mut engine = OwnEngine::start();
    let told = place.at("told");
    fs::create_dir(&told).unwrap();
    let volume = format!("{}:/told", told.display());
    let busybox = image("busybox");
    let create = |name: &str, script: &str| {
        let label = place.label();
        let options = ["run", "--detach", "--network", "none", "--label", label];
        let named = ["--name", name, "--volume", &volume, &busybox];
        engine.docker(&[&options[..], &named, &["sh", "-c", script]].concat())
    };
    let stays = once_told("mkdir /told/stays; while :; do sleep 0.1; done");
    let was_there = create("was-there", &stays);
    let mut record = place.record(&["--label", place.label()]);
    let mut attached = profiler_tests::profiler();
    attached
        .args(["record", "--container", "was-there", "--quiet", "-o"])
        .arg(place.at("attached"))
        .stdin(Stdio::null());
    for command in [&mut record, &mut attached] {
        command.env("DOCKER_HOST", engine.host());
    }
    let watching = Watching::start(&place, &mut record);
    let attached = Watching::start(&place, &mut attached);
    let ends = create("ends", &once_told("umask 077; exit 3"));
    let lives_on = create("lives-on", &stays.replace("stays", "lives-on"));

    engine.stop();
    fs::write(told.join("go"), "").unwrap();
    wait_until("the containers live on", || {
        told.join("lives-on").exists() && told.join("stays").exists()
    });
    engine.start_again();
    let last = create_again(&engine, &place, &busybox);
    for name in ["lives-on", "was-there"] {
        engine.docker(&["stop", name]);
    }
    let ran = watching.end().expect_code(0);
    for words in ["the engine is away", "the engine is back"] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    attached.end().expect_code(0);

    let mut lives = Vec::new();
    for recording in place.recordings().values() {
        expect_whole(recording);
        for run in &recording.runs {
            let container = run.container.as_ref().unwrap();
            lives.push((container.id.clone(), run.outcome.subject_exit));
        }
    }
    let mut expected = vec![(ends, Some(3)), (lives_on, Some(0)), (last, Some(0))];
    lives.sort();
    expected.sort();
    assert_eq!(lives, expected);
    let all: Vec<Recording> = place.recordings().into_values().collect();
    for name in ["mkdir", "umask", "uname"] {
        assert!(
            all.iter()
                .any(|recording| workload(recording).contains(name))
        );
    }

    let attached = super::watching::recordings(&place.at("attached"));
    let attached = &attached["busybox"];
    assert_eq!(attached.losses.total(), 0);
    assert!(workload(attached).contains("mkdir"));
    let [run] = &attached.runs[..] else {
        panic!("{:?}", attached.runs);
    };
    assert_eq!(run.container.as_ref().unwrap().id, was_there);
    assert_eq!((run.to_end, run.outcome.subject_exit), (true, Some(0)));
    drop(engine);
    place.expect_nothing_left();
}

/// The id of one that the restarted engine has run.
fn create_again(engine: &OwnEngine, place: &Place, image: &str) -> String {
    let label = ["--label", place.label(), "--network", "none"];
    engine.docker(&[&["run", "--name", "last"], &label[..], &[image, "uname"]].concat());
    engine.docker(&["inspect", "--format", "{{.Id}}", "last"])
}
