//! What the tests share: the command under test, the images and programs, and what must not be
//! left behind.
//!
//! Skips nothing. Where something is missing it panics, naming the chore that makes it.

pub mod bpf;
mod cgroup;
mod docker;
pub mod filter;
mod leftovers;
mod strace;

pub use cgroup::Cgroup;
pub use docker::{Tag, docker, image};
pub use leftovers::Leftovers;
pub use strace::Trace;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use profiler::recording::{Caller, Phase, Recording};

/// The command under test, as cargo built it beside this test. Where it runs in CI makes no
/// difference to it, unless a test says so: `CI=true` makes recordings strict.
pub fn profiler() -> Command {
    let mut command = Command::new(profiler_path());
    command.env_remove("CI");
    command
}

pub fn profiler_path() -> PathBuf {
    // target/debug/deps/live-1234 → target/debug/profiler
    let own = std::env::current_exe().expect("the kernel knows what it runs");
    let path = own
        .ancestors()
        .nth(2)
        .expect("cargo puts tests into target/PROFILE/deps")
        .join("profiler");
    assert!(
        path.exists(),
        "{} is not there: run `cargo build` first",
        path.display()
    );
    path
}

/// One of the tests' own programs.
pub fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/programs")
        .join(name);
    path.canonicalize().unwrap_or_else(|error| {
        panic!(
            "{}: {error}: run `cargo xtask programs` first",
            path.display()
        )
    })
}

/// A file under `tests/`.
pub fn file(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    assert!(path.exists(), "{} is not there", path.display());
    path
}

pub fn assert_root() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "this test loads BPF programs: run it as root"
    );
}

/// By its own `/proc/self/status`: behind a filter, without any capability.
#[track_caller]
pub fn assert_confined(status: &str, no_new_privileges: &str) {
    let field = |name: &str| {
        let mut lines = status.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        value.unwrap_or_else(|| panic!("no {name}: {status:?}"))
    };
    assert_eq!(field("Seccomp"), "2");
    assert_eq!(field("CapBnd"), "0000000000000000");
    assert_eq!(field("NoNewPrivs"), no_new_privileges);
}

/// A name that no other test and no other process uses now.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}

/// What a finished command left: its exit code and streams.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Panics where a signal ended it, since our command never dies of one.
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text is UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let code = output.status.code();
        let code = code.unwrap_or_else(|| panic!("{}: {stderr}", output.status));
        Self {
            code,
            stdout,
            stderr,
        }
    }

    #[expect(
        clippy::return_self_not_must_use,
        reason = "the assertion is what it is for"
    )]
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "exit code\n-- stdout --\n{}\n-- stderr --\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// The one line that says what is wrong, which must hold each of the words.
    #[track_caller]
    pub fn expect_line(&self, words: &[&str]) {
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "one line says it all: {:?}", self.stderr);
        assert!(lines[0].starts_with("profiler: "), "{:?}", lines[0]);
        for word in words {
            assert!(lines[0].contains(word), "{word:?} is not in {:?}", lines[0]);
        }
    }
}

/// Runs it to its end with an empty stdin.
pub fn run(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output();
    Ran::of(output.unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

/// Panics where it is no recording.
#[track_caller]
pub fn recording(path: &Path) -> Recording {
    profiler::recording::read(path).unwrap_or_else(|error| panic!("{error}"))
}

/// The names of an architecture's calls that were seen in a phase.
pub fn calls(recording: &Recording, architecture: &str, phase: Phase) -> BTreeSet<String> {
    recording
        .architectures
        .get(architecture)
        .into_iter()
        .flatten()
        .filter(|(_, call)| call.phases().contains(&phase))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The names of the calls that an executable made in a phase, of all architectures.
pub fn calls_of(recording: &Recording, exe: &str, phase: Phase) -> BTreeSet<String> {
    let by_it = |caller: &Caller| caller.phase == phase && caller.exe == Some(exe.into());
    recording
        .architectures
        .values()
        .flatten()
        .filter(|(_, call)| call.callers.iter().any(by_it))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The numbers that were recorded of an architecture.
pub fn numbers(recording: &Recording, architecture: &str) -> BTreeSet<i32> {
    let calls = recording.architectures.get(architecture).into_iter();
    calls.flatten().map(|(_, call)| call.number).collect()
}

/// The numbers of the calls that `storm` and `chain` make, each once.
pub fn harmless() -> BTreeSet<i32> {
    let list = run(Command::new(program("storm")).arg("list")).expect_code(0);
    let numbers: BTreeSet<i32> = list
        .stdout
        .lines()
        .map(|number| number.parse().expect("storm lists numbers"))
        .collect();
    assert!(numbers.len() > 300, "storm lists few: {numbers:?}");
    numbers
}

/// How often its threads have given up their processor so far: a program that sleeps between its
/// calls has made them again once that grows.
pub fn sleeps(process: u32) -> u64 {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        return 0;
    };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok())
        .filter_map(|status| {
            let count = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            count.trim().parse::<u64>().ok()
        })
        .sum()
}

/// Polls until it is so; panics with `what` when that takes too long.
#[track_caller]
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "waited 60 s: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Keeps all cores busy until it is dropped, so that races that an idle machine hides come out.
pub struct Busy(Arc<AtomicBool>);

impl Busy {
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(stop)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
