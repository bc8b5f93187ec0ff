//! Who made each call: the executable, as strace saw it exec'd, and nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use profiler::recording::{Phase, Recording};
use profiler_tests::{
    Trace, assert_root, calls_of, profiler, profiler_path, program, recording, run,
};

use super::{record, record_command};

type ByProgram = BTreeMap<String, BTreeSet<String>>;

fn by_program(recording: &Recording) -> ByProgram {
    let mut found = ByProgram::new();
    for (name, call) in &recording.architectures["SCMP_ARCH_X86_64"] {
        for caller in call
            .callers
            .iter()
            .filter(|caller| caller.phase == Phase::Workload)
        {
            let exe = caller.exe.as_ref().unwrap().to_string();
            found.entry(exe).or_default().insert(name.clone());
        }
    }
    found
}

/// The script under the recorder under strace.
fn traced(script: &str) -> (Recording, Trace) {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.json");
    let trace = Trace::new();
    let mut command = trace.command();
    command.arg(profiler_path());
    run(record_command(&mut command, &path).args(["/bin/sh", "-c", script])).expect_code(0);
    (recording(&path), trace)
}

#[test]
fn each_call_is_its_programs_own() {
    let (recording, trace) = traced(
        "/bin/mkdir /proc/none; /bin/ls / >/dev/null; /bin/cat /dev/null; /bin/chown 0 /dev/null",
    );
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
    let theirs = trace.calls_by_program(Path::new("/bin/sh"));
    assert_eq!(by_program(&recording), theirs);
    let programs: Vec<_> = theirs.keys().map(String::as_str).collect();
    assert_eq!(
        programs,
        ["/bin/cat", "/bin/chown", "/bin/ls", "/bin/mkdir", "/bin/sh"]
    );
    let duration = recording.runs[0].duration_ms;
    let calls = recording
        .architectures
        .values()
        .flat_map(|calls| calls.values());
    for caller in calls.flat_map(|call| &call.callers) {
        let first = caller.first.as_ref().unwrap();
        assert!(first.at_ms <= duration, "{first:?} of {duration}");
        // The comm that exec gives, but for the joiner.
        let exe = caller.exe.as_ref().map(ToString::to_string);
        if let Some(name) = exe.as_deref().and_then(|exe| exe.strip_prefix("/bin/")) {
            assert!(
                [name, "sh"].contains(&first.comm.to_string().as_str()),
                "{first:?} of {exe:?}"
            );
        }
    }
}

#[test]
fn a_capability_is_asked_for_by_a_program() {
    let recording = record(&[
        "/bin/sh",
        "-c",
        "f=$(mktemp); /bin/chown 1 $f; /bin/rm -f $f",
    ]);
    let mut askers = BTreeSet::new();
    for check in &recording.capabilities.checks {
        if check.capability == "CAP_CHOWN" && check.granted {
            askers.extend(check.callers.iter().filter_map(|caller| caller.exe.clone()));
        }
    }
    assert_eq!(askers, BTreeSet::from(["/bin/chown".into()]));
}

#[test]
fn a_relative_path_is_kept_as_it_was_given_and_a_long_one_cut() {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let mut deep = folder.path().to_owned();
    for _ in 0..3 {
        deep.push("x".repeat(60));
    }
    fs::create_dir_all(&deep).unwrap();
    let long = deep.join("getppid");
    fs::copy(program("getppid"), &long).unwrap();
    fs::copy(program("getppid"), folder.path().join("relative")).unwrap();
    let path = folder.path().join("recording.json");
    let mut command = profiler();
    command.current_dir(folder.path());
    let script = format!(
        "./relative; {}; exec {}",
        long.display(),
        program("stray").display()
    );
    run(record_command(&mut command, &path).args(["/bin/sh", "-c", &script])).expect_code(0);
    let recording = recording(&path);
    let cut = &long.to_str().unwrap()[..127];
    for exe in ["./relative", cut] {
        let own = calls_of(&recording, exe, Phase::Workload);
        assert_eq!(own, ["exit", "getppid"].map(str::to_owned).into(), "{exe}");
    }
}

#[test]
fn a_thread_that_execs_is_the_new_program() {
    let recording = record(&[
        "/usr/bin/python3",
        "-c",
        &format!(
            "import os, threading, time\nthreading.Thread(target=lambda: os.execv({0:?}, [{0:?}])).start()\ntime.sleep(100)",
            program("getppid")
        ),
    ]);
    let own = calls_of(
        &recording,
        program("getppid").to_str().unwrap(),
        Phase::Workload,
    );
    assert_eq!(own, ["exit", "getppid"].map(str::to_owned).into());
}

#[test]
fn hostile_names_are_kept_and_reach_no_terminal() {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.json");
    let mut command = profiler();
    let ran = run(record_command(&mut command, &path)
        .arg(program("hostile"))
        .arg(folder.path()))
    .expect_code(0);
    let recording = recording(&path);
    let native = &recording.architectures["SCMP_ARCH_X86_64"];
    // hostile.c has them.
    let comm = b"\x1b[31m\"\n<script>";
    let name = [
        &comm[..],
        b"'$(id)`;\\x41\t\r\x08\x7f\xff\xfe\xe2\x80\xae{{}}&amp;%n",
    ]
    .concat();
    let whole = [folder.path().as_os_str().as_bytes(), b"/", &name].concat();
    let caller = &native["times"].callers[0];
    assert_eq!(
        caller.exe.as_ref().unwrap().as_bytes(),
        &whole[..whole.len().min(127)]
    );
    for call in ["times", "sysinfo"] {
        let first = native[call].callers[0].first.as_ref().unwrap();
        assert_eq!(first.comm.as_bytes(), &comm[..comm.len().min(15)]);
    }
    let generated = run(profiler().arg("generate").arg(&path)).expect_code(0);
    for said in [&ran.stderr, &generated.stderr, &generated.stdout] {
        let bad = |c: char| c.is_control() && c != '\n';
        assert!(!said.contains(bad), "{said:?}");
    }
}

#[test]
fn numbers_past_every_end_are_kept() {
    let recording = record(&[program("beyond").to_str().unwrap()]);
    let native = &recording.architectures["SCMP_ARCH_X86_64"];
    for number in ["1023", "1024", "5000", "-2", "1073741823"] {
        assert_eq!(native[number].number.to_string(), number);
        assert!(native[number].callers[0].first.is_some(), "{number}");
    }
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
}

#[test]
fn x32_calls_are_kept_apart() {
    let recording = record(&[program("x32").to_str().unwrap()]);
    let x32: Vec<_> = recording.architectures["SCMP_ARCH_X32"].keys().collect();
    assert_eq!(x32, ["600", "getppid", "sigaltstack", "socket"]);
    assert!(!recording.architectures["SCMP_ARCH_X86_64"].contains_key("getppid"));
}

/// Without the recorder: the oracle tells programs apart.
#[test]
fn the_oracle_itself() {
    let trace = Trace::new();
    let mut command: Command = trace.command();
    let getppid = program("getppid");
    run(command
        .args(["/bin/sh", "-c"])
        .arg(format!("{}; true", getppid.display())))
    .expect_code(0);
    let by_program = trace.calls_by_program(Path::new("/bin/sh"));
    assert_eq!(
        by_program[getppid.to_str().unwrap()],
        ["exit", "getppid"].map(str::to_owned).into()
    );
    assert!(!by_program["/bin/sh"].contains("exit"));
}
