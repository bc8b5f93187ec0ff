//! `record` of containers that others start or have started: here the test is the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use profiler::recording::{Phase, Recording};
use profiler_tests::{
    Leftovers, Ran, Trace, assert_root, calls, docker, image, profiler, recording, run, unique,
    wait_until,
};
use serde_json::Value;

pub(super) const X86_64: &str = "SCMP_ARCH_X86_64";
/// Runs until it is asked to end, which a shell as process 1 is deaf to by itself.
pub(super) const SERVICE: &str = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

/// A folder for the recordings, the machine as it was, a label of this test's own.
pub(super) struct Place {
    folder: tempfile::TempDir,
    leftovers: Leftovers,
    label: String,
}

impl Place {
    pub(super) fn new() -> Self {
        assert_root();
        Self {
            folder: tempfile::tempdir().unwrap(),
            leftovers: Leftovers::watch(),
            label: format!("profiler.test={}", unique("watched")),
        }
    }

    /// `KEY=VALUE`
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `docker run OPTIONS`, with the label, wrote.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> String {
        let mut all = vec!["run", "--label", &self.label];
        all.extend(arguments);
        docker(&all)
    }

    /// The name of a container that now runs [`SERVICE`] in busybox.
    #[track_caller]
    pub(super) fn service(&self, options: &[&str]) -> String {
        let (name, image) = (unique("service"), image("busybox"));
        let mut all = vec!["--detach", "--name", &name, "--network", "none"];
        all.extend(options);
        all.extend([&image, "sh", "-c", SERVICE]);
        self.run(&all);
        name
    }

    /// `record ARGUMENTS -o DIR`, to be continued.
    pub(super) fn record(&self, arguments: &[&str]) -> Command {
        let mut command = profiler();
        command
            .arg("record")
            .args(arguments)
            .args(["--quiet", "-o"])
            .arg(self.at("recordings"))
            .stdin(Stdio::null());
        command
    }

    /// By the file's name up to the first dot.
    pub(super) fn recordings(&self) -> BTreeMap<String, Recording> {
        recordings(&self.at("recordings"))
    }

    /// Where there is one.
    #[track_caller]
    pub(super) fn only_recording(&self) -> Recording {
        let mut found = self.recordings();
        assert_eq!(found.len(), 1, "{:?}", found.keys());
        found.pop_first().unwrap().1
    }

    /// The profile generated from a recording.
    #[track_caller]
    pub(super) fn profile(&self, name: &str) -> PathBuf {
        let recording = self.at("recordings").join(format!("{name}.recording.json"));
        let profile = self.at(&format!("{name}.json"));
        super::generate(&recording, &[], &profile);
        profile
    }

    #[track_caller]
    pub(super) fn expect_nothing_left(&self) {
        self.leftovers.expect_none();
    }
}

impl Drop for Place {
    /// Also what a failed test left, so that it fails no other.
    fn drop(&mut self) {
        let filter = format!("label={}", self.label);
        let found = Command::new("docker")
            .args(["ps", "--all", "--quiet", "--filter", &filter])
            .output();
        let found = found.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        for container in found.unwrap_or_default().split_whitespace() {
            let _ = Command::new("docker")
                .args(["rm", "--force", container])
                .output();
        }
    }
}

pub(super) fn recordings(folder: &Path) -> BTreeMap<String, Recording> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let name = name.split('.').next().unwrap().to_owned();
            (name, recording(&path))
        })
        .collect()
}

/// A recorder at work, until it is told that its test is over.
pub(super) struct Watching {
    child: Child,
    over: PathBuf,
}

impl Watching {
    /// Returns once it watches.
    #[track_caller]
    pub(super) fn start(place: &Place, command: &mut Command) -> Self {
        let (ready, over) = (place.at(&unique("ready")), place.at(&unique("over")));
        let test = format!(
            "touch {}; until [ -e {} ]; do sleep 0.05; done",
            ready.display(),
            over.display()
        );
        let mut child = command
            .args(["--test", &test])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("the recorder watches", || {
            ready.exists() || child.try_wait().unwrap().is_some()
        });
        let watching = Self { child, over };
        if ready.exists() {
            return watching;
        }
        panic!("it did not come to its test: {:?}", watching.end())
    }

    /// Its test is over, and so it is.
    #[track_caller]
    pub(super) fn end(self) -> Ran {
        File::create(&self.over).unwrap();
        Ran::of(self.child.wait_with_output().unwrap())
    }
}

/// What the engine tells of a label's containers, by its own command.
pub(super) struct Events {
    child: Child,
    path: PathBuf,
}

#[derive(Debug)]
pub(super) struct Event {
    /// `start`, `die`, `exec_start: COMMAND LINE`, …
    pub(super) action: String,
    pub(super) id: String,
    /// The container's labels, its name, its exit code.
    pub(super) attributes: BTreeMap<String, String>,
}

impl Events {
    #[track_caller]
    pub(super) fn of(place: &Place, label: &str) -> Self {
        let path = place.at(&unique("events"));
        let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let child = Command::new("docker")
            // What happens before it listens is told too.
            .args(["events", "--format", "{{json .}}", "--since"])
            .arg(seconds.to_string())
            .args(["--filter", "type=container", "--filter"])
            .arg(format!("label={label}"))
            .stdin(Stdio::null())
            .stdout(File::create(&path).unwrap())
            .spawn()
            .unwrap();
        Self { child, path }
    }

    fn so_far(&self) -> Vec<Event> {
        let text = std::fs::read_to_string(&self.path).unwrap();
        // The last line may still be on its way.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole
            .lines()
            .map(|line| {
                let event: Value = serde_json::from_str(line).unwrap();
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let attributes = event["Actor"]["Attributes"].as_object().unwrap();
                Event {
                    action: text(&event["Action"]),
                    id: text(&event["Actor"]["ID"]),
                    attributes: attributes
                        .iter()
                        .map(|(name, value)| (name.clone(), text(value)))
                        .collect(),
                }
            })
            .collect()
    }

    /// All of them, once each container that was made is gone again.
    #[track_caller]
    pub(super) fn until_all_are_gone(self) -> Vec<Event> {
        let mut events = Vec::new();
        wait_until("the engine tells of all its containers' ends", || {
            events = self.so_far();
            let count = |action| events.iter().filter(|event| event.action == action).count();
            count("create") > 0 && count("create") == count("destroy")
        });
        events
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The runs are the lives that the engine tells of, with their exit codes.
#[track_caller]
pub(super) fn expect_runs<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    events: impl IntoIterator<Item = &'a Event>,
) {
    let mut runs: Vec<(&str, Option<i32>)> = recordings
        .into_iter()
        .flat_map(|recording| &recording.runs)
        .map(|run| {
            let id = &run.container.as_ref().unwrap().id;
            (id.as_str(), run.outcome.subject_exit)
        })
        .collect();
    let mut lives: Vec<(&str, Option<i32>)> = events
        .into_iter()
        .filter(|event| event.action == "die")
        .map(|event| (event.id.as_str(), event.attributes["exitCode"].parse().ok()))
        .collect();
    runs.sort_unstable();
    lives.sort_unstable();
    let only = |these: &[(&str, Option<i32>)], those: &[(&str, Option<i32>)]| {
        let only = these.iter().filter(|one| !those.contains(one));
        only.map(|one| format!("{one:?}")).collect::<Vec<_>>()
    };
    assert!(
        runs == lives,
        "{} runs, {} lives; only as runs: {:?}, only as lives: {:?}",
        runs.len(),
        lives.len(),
        only(&runs, &lives),
        only(&lives, &runs)
    );
}

/// What `docker inspect` tells of a container.
#[track_caller]
pub(super) fn inspect(container: &str) -> Value {
    let text = docker(&["inspect", container]);
    serde_json::from_str::<Value>(&text).unwrap()[0].take()
}

pub(super) fn workload(recording: &Recording) -> BTreeSet<String> {
    calls(recording, X86_64, Phase::Workload)
}

/// Nothing was lost, and every life was seen from its first call to its end.
#[track_caller]
pub(super) fn expect_whole(recording: &Recording) {
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
    assert!(
        recording.assumptions.is_empty(),
        "{:?}",
        recording.assumptions
    );
    for run in &recording.runs {
        assert!(run.from_birth && run.to_end, "{run:?}");
    }
    assert!(!calls(recording, X86_64, Phase::Runtime).is_empty());
    assert!(!workload(recording).is_empty());
}

#[track_caller]
pub(super) fn expect_same_calls(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) {
    let missing: Vec<_> = theirs.difference(ours).collect();
    let invented: Vec<_> = ours.difference(theirs).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "missing: {missing:?}, invented: {invented:?}"
    );
}

/// The busybox of the test image on the host, where strace can watch it: the oracle.
pub(super) struct Busybox(tempfile::TempDir);

impl Busybox {
    #[track_caller]
    pub(super) fn of_image() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let container = docker(&["create", &image("busybox")]);
        let from = format!("{container}:/bin/busybox");
        let to = folder.path().join("busybox");
        docker(&["cp", &from, to.to_str().unwrap()]);
        docker(&["rm", &container]);
        Self(folder)
    }

    /// What it calls as `COMMAND ARGUMENTS`, after its exec.
    #[track_caller]
    pub(super) fn calls(&self, command: &str, arguments: &[&str]) -> BTreeSet<String> {
        let path = self.0.path().join(command);
        if !path.exists() {
            std::os::unix::fs::symlink("busybox", &path).unwrap();
        }
        let trace = Trace::new();
        run(trace.command().arg(&path).args(arguments));
        trace.calls(&path)
    }
}
