//! What runs already: attached to while it runs, forks, waits and is refused.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::recording::{Phase, Recording, Status};
use profiler_tests::{
    Busy, Cgroup, Leftovers, assert_root, calls_of, harmless, numbers, profiler, program,
    recording, run, sleeps, wait_until,
};

/// `record --cgroup` at work; killed with the test.
struct Attached {
    recorder: Child,
    folder: tempfile::TempDir,
}

impl Attached {
    /// Returns once it says that it is.
    fn to(cgroup: &Path) -> Self {
        assert_root();
        let folder = tempfile::tempdir().unwrap();
        let recorder = profiler()
            .args(["record", "-o"])
            .arg(folder.path().join("out"))
            .arg("--cgroup")
            .arg(cgroup)
            .stdin(Stdio::null())
            .stderr(File::create(folder.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut attached = Self { recorder, folder };
        wait_until("the recorder attaches", || {
            assert_eq!(
                attached.recorder.try_wait().unwrap(),
                None,
                "{}",
                attached.said()
            );
            attached.said().contains("attached to")
        });
        attached
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// As a person ends it.
    fn interrupt(self) -> Recording {
        let pid = i32::try_from(self.recorder.id()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
        self.ended()
    }

    fn ended(mut self) -> Recording {
        let status = self.recorder.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.said());
        let recording = recording(&only_file(&self.folder.path().join("out")));
        assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
        assert_eq!(recording.status, Status::Complete);
        recording
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let _ = self.recorder.kill();
        let _ = self.recorder.wait();
    }
}

fn only_file(folder: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// Runs until the test ends it.
struct Program(Child);

impl Program {
    fn start(cgroup: &Cgroup, argv: &[&str]) -> Self {
        let mut command = cgroup.command(argv);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        let started = Self(command.spawn().unwrap());
        let exe = fs::canonicalize(which(argv[0])).unwrap();
        wait_until("the shell has become the program", || {
            let thread = fs::read_dir(started.proc("task")).unwrap().last();
            let thread = thread.unwrap().unwrap().path();
            fs::read_link(thread.join("exe")).is_ok_and(|found| found == exe)
        });
        started.does_its_work();
        started
    }

    fn proc(&self, file: &str) -> PathBuf {
        format!("/proc/{}/{file}", self.0.id()).into()
    }

    /// Returns once it has made each of its calls, from now on.
    fn does_its_work(&self) {
        let before = sleeps(self.0.id());
        wait_until("it makes its calls", || sleeps(self.0.id()) > before + 3);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn which(program: &str) -> PathBuf {
    if program.contains('/') {
        return program.into();
    }
    Path::new("/usr/bin").join(program)
}

fn repeat() -> String {
    program("repeat").to_str().unwrap().to_owned()
}

fn set(names: &[&str]) -> std::collections::BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_runs_in_it_and_below_it_is_seen_from_then_on() {
    let leftovers = Leftovers::watch();
    let cgroup = Cgroup::new();
    let below = cgroup.below("below");
    let lowest = below.below("lowest");
    let repeat = repeat();
    let plain = Program::start(&cgroup, &[&repeat, "99"]);
    let without_its_first_thread = Program::start(&cgroup, &[&repeat, "-t", "100"]);
    let nested = Program::start(&lowest, &[&repeat, "121"]);

    let attached = Attached::to(&cgroup.path());
    for program in [&plain, &without_its_first_thread, &nested] {
        program.does_its_work();
    }
    let recording = attached.interrupt();
    let own = calls_of(&recording, &repeat, Phase::Workload);
    assert_eq!(
        own,
        set(&["clock_nanosleep", "getpgid", "sysinfo", "times"])
    );
    assert!(!recording.runs[0].from_birth && !recording.runs[0].to_end);
    assert!(recording.sessions.is_empty(), "{:?}", recording.sessions);
    leftovers.expect_none();
}

#[test]
fn what_joins_later_and_where_is_seen() {
    let cgroup = Cgroup::new();
    let repeat = repeat();
    let first = Program::start(&cgroup, &[&repeat, "99"]);
    let attached = Attached::to(cgroup.directory());
    let joined = Program::start(&cgroup, &[&repeat, "121"]);
    let below = cgroup.below("below");
    let lowest = below.below("lowest");
    let nested = Program::start(&lowest, &[&repeat, "124"]);
    for program in [&first, &joined, &nested] {
        program.does_its_work();
    }
    let recording = attached.interrupt();
    assert_eq!(
        calls_of(&recording, &repeat, Phase::Workload),
        set(&["clock_nanosleep", "sysinfo"])
    );
    let of_sessions = calls_of(&recording, &repeat, Phase::Exec);
    for call in ["clock_nanosleep", "getpgid", "getsid"] {
        assert!(of_sessions.contains(call), "{call}: {of_sessions:?}");
    }
    assert!(!of_sessions.contains("sysinfo"), "{of_sessions:?}");
    let lines: Vec<Vec<String>> = recording
        .sessions
        .iter()
        .map(|session| session.argv.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(lines, [[repeat.as_str(), "121"], [repeat.as_str(), "124"]]);
}

#[test]
fn a_call_that_was_waited_in_is_no_loss() {
    let cgroup = Cgroup::new();
    let mut command = cgroup.command(&["cat"]);
    let mut cat = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let in_read = || {
        let call = fs::read_to_string(format!("/proc/{}/syscall", cat.id())).unwrap();
        let name = fs::read_to_string(format!("/proc/{}/comm", cat.id())).unwrap();
        name == "cat\n" && call.starts_with("0 0x0 ")
    };
    wait_until("cat waits for input", in_read);
    let attached = Attached::to(&cgroup.path());
    cat.stdin.take().unwrap().write_all(b"fed\n").unwrap();
    let output = cat.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"fed\n");
    let recording = attached.interrupt();
    let own = calls_of(&recording, "/usr/bin/cat", Phase::Workload);
    for call in ["read", "write", "exit_group"] {
        assert!(own.contains(call), "{call} is not in {own:?}");
    }
}

/// Starts it until it is given that id; returns once it has ended.
fn with_id(id: u32, command: impl Fn() -> Command) {
    wait_until("a process is given the id", || {
        fs::write("/proc/sys/kernel/ns_last_pid", (id - 1).to_string()).unwrap();
        let mut child = command().stdout(Stdio::null()).spawn().unwrap();
        assert!(child.wait().unwrap().success());
        child.id() == id
    });
}

#[test]
fn an_id_that_is_given_again_is_another_process() {
    let cgroup = Cgroup::new();
    let _program = Program::start(&cgroup, &[&repeat(), "99"]);
    let attached = Attached::to(&cgroup.path());
    let call = program("call");
    let call = call.to_str().unwrap();
    let mut first = cgroup.command(&[call, "121"]);
    let mut first = first.stdout(Stdio::null()).spawn().unwrap();
    assert!(first.wait().unwrap().success());
    with_id(first.id(), || {
        let mut bystander = Command::new(call);
        bystander.arg("124");
        bystander
    });
    with_id(first.id(), || cgroup.command(&[call, "100"]));
    let calls = calls_of(&attached.interrupt(), call, Phase::Exec);
    for member in ["getpgid", "times"] {
        assert!(calls.contains(member), "{member}: {calls:?}");
    }
    assert!(!calls.contains("getsid"), "{calls:?}");
}

/// Each call after the attachment is made by exactly one of the links.
fn follows_a_chain() {
    let cgroup = Cgroup::new();
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let chain = program("chain");
    let argv = [chain.to_str().unwrap(), go.to_str().unwrap()];
    let mut chain = cgroup.command(&argv).spawn().unwrap();
    let attached = Attached::to(&cgroup.path());
    fs::write(&go, "").unwrap();
    assert!(chain.wait().unwrap().success());
    let recorded = numbers(&attached.interrupt(), "SCMP_ARCH_X86_64");
    let missing: Vec<_> = harmless().difference(&recorded).copied().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_chain_of_forks_is_caught() {
    follows_a_chain();
}

#[test]
fn a_chain_of_forks_is_caught_on_busy_cores() {
    let _busy = Busy::start();
    follows_a_chain();
}

/// Its own filter's refusals, by the kernel's answer, and nothing that it merely waited in.
#[test]
fn what_its_own_filter_refuses_was_tried_and_not_used() {
    let cgroup = Cgroup::new();
    let path = program("filtered");
    let filtered = Program::start(&cgroup, &[path.to_str().unwrap()]);
    // Each attachment meets its threads in other calls.
    for _ in 0..3 {
        let attached = Attached::to(&cgroup.path());
        filtered.does_its_work();
        let before = sleeps(filtered.0.id());
        wait_until("its threads have come and gone", || {
            sleeps(filtered.0.id()) > before + 50
        });
        let recording = attached.interrupt();
        let calls = &recording.architectures["SCMP_ARCH_X86_64"];
        let tried: Vec<_> = calls
            .iter()
            .filter(|(_, call)| !call.tried.is_empty())
            .map(|(name, call)| (name.as_str(), call.callers.len(), call.tried[0].errno))
            .collect();
        assert_eq!(tried, [("getppid", 0, Some(1))]);
        let used = calls_of(&recording, path.to_str().unwrap(), Phase::Workload);
        for call in ["read", "epoll_wait", "futex", "clock_nanosleep"] {
            assert!(used.contains(call), "{call} is not in {used:?}");
        }
    }
}

#[test]
fn the_cgroups_end_is_the_recordings() {
    let leftovers = Leftovers::watch();
    let cgroup = Cgroup::new();
    let program = Program::start(&cgroup, &[&repeat(), "99"]);
    let attached = Attached::to(&cgroup.path());
    program.does_its_work();
    drop(program);
    cgroup.remove();
    let recording = attached.ended();
    assert!(recording.runs[0].to_end);
    assert!(calls_of(&recording, &repeat(), Phase::Workload).contains("sysinfo"));
    leftovers.expect_none();
}

#[test]
fn a_test_and_a_time_end_it_too() {
    assert_root();
    let cgroup = Cgroup::new();
    let folder = tempfile::tempdir().unwrap();
    let record = |options: &[&str]| {
        let out = tempfile::tempdir_in(folder.path()).unwrap();
        let mut command = profiler();
        command.args(["record", "--cgroup"]).arg(cgroup.directory());
        let ran = run(command.args(options).arg("-o").arg(out.path()));
        (ran, recording(&only_file(out.path())))
    };
    let (ran, recording) = record(&["--duration", "100ms"]);
    ran.expect_code(0);
    assert_eq!(recording.runs[0].outcome.test_exit, None);
    let (ran, recording) = record(&["--test", "exit 3"]);
    ran.expect_code(3);
    let outcome = &recording.runs[0].outcome;
    assert_eq!((outcome.test_exit, outcome.passed), (Some(3), false));
}

#[test]
fn paths_that_are_no_cgroup_to_watch() {
    assert_root();
    let leftovers = Leftovers::watch();
    let cgroup = Cgroup::new();
    let directory = cgroup.directory();
    let missing = directory.join("missing");
    let version_one = Command::new("findmnt")
        .args(["-n", "-o", "TARGET", "-t", "cgroup"])
        .output()
        .unwrap();
    let version_one = String::from_utf8(version_one.stdout).unwrap();
    let mut cases = vec![
        (missing.to_str().unwrap(), "no cgroup"),
        ("/", "whole machine"),
        ("relative.slice", "from the root"),
        ("/a/../b", "from the root"),
    ];
    // A machine may have version 2 alone.
    cases.extend(version_one.lines().take(1).map(|path| (path, "version 1")));
    for (path, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        let mut command = profiler();
        command.args(["record", "--duration", "1s", "--cgroup", path, "-o"]);
        let ran = run(command.arg(folder.path().join("out"))).expect_code(125);
        ran.expect_line(&[words]);
    }
    leftovers.expect_none();
}
