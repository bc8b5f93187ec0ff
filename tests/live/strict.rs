//! Tables that are really full: counted, told, and a failure where that is asked for.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use profiler::recording::{Phase, Recording};
use profiler_tests::{
    Cgroup, Ran, assert_root, calls, profiler, program, recording, run, wait_until,
};

/// Numbers past every table that are kept.
const STRAYS: u64 = 1024;
/// Of `beyond`, besides those that it is told to make.
const OWN: u64 = 4;

/// Records `beyond` making more calls than fit, then a command that ends with the code.
fn overflow(options: &[&str], ci: Option<&str>, code: i32) -> (Ran, Recording) {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.json");
    let mut command = profiler();
    command.env("PROFILER_LOG", "error");
    if let Some(ci) = ci {
        command.env("CI", ci);
    }
    let script = format!(
        "{} {STRAYS}; mkdir made; exit {code}",
        program("beyond").display()
    );
    command
        .current_dir(folder.path())
        .args(["record", "-o", "recording.json"])
        .args(options)
        .args(["--", "sh", "-c", &script]);
    (run(&mut command), recording(&path))
}

#[track_caller]
fn expect_counted(ran: &Ran, recording: &Recording) {
    assert_eq!(recording.losses.stray_calls, OWN);
    assert_eq!(recording.losses.total(), OWN, "{:?}", recording.losses);
    let native = &recording.architectures["SCMP_ARCH_X86_64"];
    let strays = native
        .values()
        .filter(|call| !(0..1024).contains(&call.number));
    assert_eq!(strays.count() as u64, STRAYS);
    // What came after is not lost.
    assert!(native.contains_key("mkdir"));
    assert!(
        ran.stderr.contains("warning: not everything was kept"),
        "{}",
        ran.stderr
    );
}

#[test]
fn numbers_that_do_not_fit_are_a_warning() {
    for (options, ci) in [
        (&[][..], None),
        (&["--no-strict"], Some("true")),
        (&["--strict", "--no-strict"], Some("true")),
        (&[], Some("false")),
    ] {
        let (ran, recording) = overflow(options, ci, 0);
        expect_counted(&ran.expect_code(0), &recording);
    }
}

#[test]
fn and_a_failure_where_it_is_strict() {
    for (options, ci) in [
        (&["--strict"][..], None),
        (&[], Some("true")),
        (&["--no-strict", "--strict"], None),
    ] {
        let (ran, recording) = overflow(options, ci, 0);
        let ran = ran.expect_code(125);
        expect_counted(&ran, &recording);
        let said: Vec<_> = ran
            .stderr
            .lines()
            .filter(|line| line.contains("--strict"))
            .collect();
        assert_eq!(said.len(), 1, "{}", ran.stderr);
        assert!(said[0].contains("4 facts are lost"), "{said:?}");
    }
}

#[test]
fn the_commands_own_failure_comes_first() {
    let (ran, recording) = overflow(&["--strict"], None, 7);
    expect_counted(&ran.expect_code(7), &recording);
}

#[test]
fn a_complete_recording_is_no_failure() {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let mut command = profiler();
    command.args(["record", "--strict", "-o"]);
    command.arg(folder.path().join("recording.json"));
    run(command.args(["--", "true"])).expect_code(0);
}

/// Executables by the thousand, each under a name of its own.
#[test]
fn calls_of_programs_that_do_not_fit_are_kept() {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.json");
    let getppid = program("getppid");
    let copy = folder.path().join("getppid");
    fs::copy(&getppid, &copy).unwrap();
    for name in 0..2100 {
        fs::hard_link(&copy, folder.path().join(format!("program-{name}"))).unwrap();
    }
    let script = "for program in ./program-*; do $program; done; exec ./last";
    fs::copy(program("stray"), folder.path().join("last")).unwrap();
    let mut command = profiler();
    command.current_dir(folder.path());
    command.args(["record", "-o", "recording.json", "--", "sh", "-c", script]);
    let ran = run(&mut command).expect_code(0);
    let recording = recording(&path);
    // Two are others': the joiner's before its first exec, and sh.
    let known = executables(&recording).len();
    assert!(
        recording.losses.programs >= 2100 - 2048,
        "{:?}",
        recording.losses
    );
    assert_eq!(recording.losses.programs, recording.losses.total());
    assert!((2000..=2048).contains(&known), "{known}");
    assert!(
        ran.stderr.contains("programs filed under another"),
        "{}",
        ran.stderr
    );
    let kept = calls(&recording, "SCMP_ARCH_X86_64", Phase::Workload);
    // The last program's, which had no room for sure.
    assert!(
        kept.contains("getppid") && kept.contains("1000"),
        "{kept:?}"
    );
}

fn executables(recording: &Recording) -> std::collections::BTreeSet<String> {
    let calls = recording
        .architectures
        .values()
        .flat_map(|calls| calls.values());
    calls
        .flat_map(|call| &call.callers)
        .filter_map(|caller| caller.exe.as_ref().map(ToString::to_string))
        .collect()
}

#[test]
fn sessions_that_do_not_fit_are_counted_and_their_calls_kept() {
    assert_root();
    let cgroup = Cgroup::new();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let stray = program("stray");
    // Each has another command line; the last one alone makes the stray calls.
    let test = format!(
        "for i in $(seq 1100); do (sh -c 'echo $PPID >{procs}'; exec {getppid} $i); done; (sh -c 'echo $PPID >{procs}'; exec {stray})",
        procs = cgroup.directory().join("cgroup.procs").display(),
        getppid = program("getppid").display(),
        stray = stray.display(),
    );
    let script = folder.path().join("test.sh");
    fs::write(&script, test).unwrap();
    let mut command = Command::new("sleep");
    let mut resident = command.arg("1000").stdin(Stdio::null()).spawn().unwrap();
    fs::write(
        cgroup.directory().join("cgroup.procs"),
        resident.id().to_string(),
    )
    .unwrap();
    let mut command = profiler();
    command.args(["record", "--cgroup"]).arg(cgroup.directory());
    command
        .arg("--test")
        .arg(format!("bash {}", script.display()));
    let ran = run(command.arg("-o").arg(&out));
    resident.kill().unwrap();
    resident.wait().unwrap();
    let ran = ran.expect_code(0);
    let recording = recording(&only_file(&out));
    assert_eq!(recording.sessions.len(), 1024);
    assert!(
        recording.losses.sessions >= 1101 - 1024,
        "{:?}",
        recording.losses
    );
    assert_eq!(recording.losses.sessions, recording.losses.total());
    assert!(calls(&recording, "SCMP_ARCH_X86_64", Phase::Exec).contains("1000"));
    assert!(
        ran.stderr
            .contains("exec sessions without their command line")
    );
    wait_until("it is empty", || {
        fs::read_to_string(cgroup.directory().join("cgroup.procs"))
            .is_ok_and(|text| text.is_empty())
    });
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let mut files = fs::read_dir(folder).unwrap();
    files.next().unwrap().unwrap().path()
}
