//! With which arguments calls are made: the combinations that are noted equal strace's of the same
//! run, and a call that was made with too many says so.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use profiler::arguments::{CATALOGUE, CatalogueCall};
use profiler::kernel::{Boundary, Capacity, Observer, SeenCall, Watch};
use profiler::profile::Profile;
use profiler::recording::{Arguments, Recording, Status};
use profiler_common::Abi;
use profiler_tests::{Busy, Cgroup, Trace, assert_root, program, recording, run};

use super::{output, record, record_command, record_under};

const NATIVE: &str = "SCMP_ARCH_X86_64";
const MMAP: SeenCall = SeenCall {
    abi: Abi::X86_64,
    number: 9,
};
/// That are kept of one program's call.
const COMBINATIONS: usize = 64;
/// Of i386, each with one pointer to all of its arguments.
const BEHIND_A_POINTER: [&str; 2] = ["mmap", "select"];
/// Of socket, by `arguments` itself: a protocol counts for two of them.
const OWN: usize = 5;

/// Of all programs that made it.
#[track_caller]
fn noted(recording: &Recording, architecture: &str, call: &str) -> Arguments {
    let callers = &recording.architectures[architecture][call].callers;
    let noted = callers.iter().map(|caller| caller.arguments.clone());
    let united = noted.reduce(Arguments::united).flatten();
    united.unwrap_or_else(|| panic!("nothing is noted of {call}"))
}

/// What the catalogue would have noted of it.
fn by_catalogue(call: &CatalogueCall, registers: &[u32]) -> Vec<u32> {
    let counts = |index: u8, values: &[u32]| values.contains(&registers[usize::from(index)]);
    let noted = call.arguments.iter().map(|argument| {
        let mut only_where = argument.only_where.iter();
        if only_where.all(|other| counts(other.index, &other.values)) {
            registers[usize::from(argument.index)] & argument.mask
        } else {
            0
        }
    });
    noted.collect()
}

/// Records it under strace; of each call in the catalogue both have the same, but for the ignored.
/// The names of those that were made.
#[track_caller]
fn agrees(program: &str, architecture: &str, ignored: &[&str]) -> BTreeSet<String> {
    let program = profiler_tests::program(program);
    // Answered by the filter, where strace sees a call and the kernel none.
    let rules = Profile::open().syscalls.into_iter();
    let answered: Vec<String> = rules.flat_map(|rule| rule.names).collect();
    let calls = CATALOGUE.calls.iter().map(|call| call.call.as_str());
    let calls: Vec<&str> = calls
        .filter(|call| !answered.iter().any(|name| name == call) && !ignored.contains(call))
        .collect();
    let trace = Trace::with_raw(&calls);
    let recording = record_under(&trace, &[program.to_str().unwrap()]);
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
    let mut made = BTreeSet::new();
    for (name, theirs) in trace.arguments(&program) {
        let call = CATALOGUE.call(&name).unwrap();
        let theirs = theirs.iter().map(|registers| by_catalogue(call, registers));
        let ours = noted(&recording, architecture, &name);
        assert_eq!(ours.combinations, theirs.collect(), "{name}");
        assert!(!ours.overflowed, "{name}");
        made.insert(name);
    }
    made
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn what_is_noted_is_what_strace_saw() {
    let made = agrees("arguments", NATIVE, &[]);
    assert!(made.is_superset(&names(&["clone", "mmap", "socket"])));
}

#[test]
fn threads_and_processes_of_a_dynamic_program() {
    for program in ["threaded", "forking"] {
        assert!(agrees(program, NATIVE, &[]).contains("mmap"), "{program}");
    }
}

#[test]
fn i386_registers_are_read_in_their_order() {
    let made = agrees("arguments-i386", "SCMP_ARCH_X86", &BEHIND_A_POINTER);
    assert!(made.is_superset(&names(&["clone", "socket"])));
}

#[test]
fn what_lies_behind_a_pointer_is_not_noted() {
    let recording = record(&[program("arguments-i386").to_str().unwrap()]);
    let mmap = &recording.architectures["SCMP_ARCH_X86"]["mmap"];
    assert_eq!(mmap.callers[0].arguments, None);
}

#[test]
fn x32_calls_are_noted_apart() {
    let recording = record(&[program("x32").to_str().unwrap()]);
    let x32 = noted(&recording, "SCMP_ARCH_X32", "socket");
    // -1 everywhere; of the type its flags do not count, and of such a domain no protocol does.
    assert_eq!(x32.combinations, [vec![u32::MAX, 15, 0]].into());
    assert!(!recording.architectures[NATIVE].contains_key("socket"));
}

#[test]
fn too_many_are_said_to_be_and_no_others_are_lost() {
    let trace = Trace::with_raw(&["socket"]);
    let program = program("arguments");
    let command = [program.to_str().unwrap(), "many", "100"];
    let recording = record_under(&trace, &command);
    let socket = noted(&recording, NATIVE, "socket");
    assert!(socket.overflowed);
    assert_eq!(socket.combinations.len(), COMBINATIONS);
    let call = CATALOGUE.call("socket").unwrap();
    let theirs = &trace.arguments(&program)["socket"];
    let theirs: BTreeSet<_> = theirs
        .iter()
        .map(|registers| by_catalogue(call, registers))
        .collect();
    assert!(socket.combinations.is_subset(&theirs));
    for call in ["clone", "mmap"] {
        assert!(!noted(&recording, NATIVE, call).overflowed);
    }
    // Nothing that the recording does not say itself.
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
}

#[test]
fn as_many_as_fit_are_not_too_many() {
    let fit = (COMBINATIONS - OWN).to_string();
    let recording = record(&[program("arguments").to_str().unwrap(), "many", &fit]);
    let socket = noted(&recording, NATIVE, "socket");
    assert_eq!(socket.combinations.len(), COMBINATIONS);
    assert!(!socket.overflowed);
}

/// Eight threads with nothing but noted calls, on processors that others want too. Of one argument
/// there are more values than the program side knows at once: each is forgotten and found again.
#[test]
fn a_storm_of_threads_loses_none() {
    let program = program("arguments");
    let storm = |count: usize| {
        let busy = Busy::start();
        let count = count.to_string();
        let recording = record(&[program.to_str().unwrap(), "storm", &count]);
        drop(busy);
        assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
        ["socket", "ioctl", "fcntl"].map(|call| noted(&recording, NATIVE, call))
    };
    let [socket, ioctl, fcntl] = storm(50);
    assert_eq!(socket.combinations.len(), 50 + OWN);
    assert!(!socket.overflowed);
    for noted in [ioctl, fcntl] {
        let values = 1000..1050;
        assert_eq!(
            noted.combinations,
            values.map(|value| vec![value]).collect()
        );
        assert!(!noted.overflowed);
    }
    for noted in storm(500) {
        // As many more as threads were on their way at once.
        assert!((COMBINATIONS..COMBINATIONS + 8).contains(&noted.combinations.len()));
        assert!(noted.overflowed);
    }
}

/// Places of released programs are given to others, which have made no call yet.
#[tokio::test]
async fn what_a_program_knew_is_gone_with_its_scope() {
    /// More than there is room for at once.
    const PROGRAMS: usize = 2100;
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    for number in 0..PROGRAMS {
        symlink(program("arguments"), folder.path().join(number.to_string())).unwrap();
    }
    let mut observer = Observer::load(Watch {
        denials: false,
        capacity: Capacity::Few,
    })
    .unwrap();
    // Of each program, what it mapped memory with.
    let mut noted = |script: &str| {
        let cgroup = Cgroup::new();
        let id = fs::metadata(cgroup.directory()).unwrap().ino();
        let scope = observer.watch(id, Boundary::Exec).unwrap();
        let ran = cgroup.command(&["sh", "-c", script]).status();
        assert!(ran.unwrap().success());
        let facts = observer.facts(scope).unwrap();
        observer.release(&[scope]).unwrap();
        let of_folder = folder.path().to_str().unwrap();
        let programs = facts.programs.into_iter();
        let programs = programs.filter(|program| program.exe.starts_with(of_folder.as_bytes()));
        let mapped = programs.map(|program| {
            let calls = program.arguments.into_iter();
            let mut calls = calls.filter(|call| call.call == MMAP);
            let noted = calls.next().map(|call| call.combinations);
            noted.into_iter().flatten().collect::<BTreeSet<_>>()
        });
        mapped.collect::<Vec<_>>()
    };
    let all = format!("for each in {}/*; do $each; done", folder.path().display());
    let before = noted(&all);
    // The shell and others have some places.
    assert!(before.len() > PROGRAMS * 9 / 10, "{}", before.len());
    assert!(before[0].len() >= 4, "{:?}", before[0]);
    assert!(before.iter().all(|program| *program == before[0]));
    let after = noted(&format!("{}/0; true", folder.path().display()));
    assert_eq!(after, [before[0].clone()]);
}

/// More programs with more combinations than the whole table holds: each caller has all of its own,
/// or says that it has not.
#[test]
fn a_full_table_is_counted_and_told_of_each_call() {
    const PROGRAMS: usize = 600;
    let folder = tempfile::tempdir().unwrap();
    for number in 0..PROGRAMS {
        symlink(program("arguments"), folder.path().join(number.to_string())).unwrap();
    }
    let count = COMBINATIONS - OWN;
    let script = format!(
        "for each in {}/*; do $each many {count}; done",
        folder.path().display()
    );
    let (_folder, path) = output();
    let mut command = profiler_tests::profiler();
    let ran = run(record_command(&mut command, &path).args(["sh", "-c", &script])).expect_code(0);
    let recording = recording(&path);

    let lost = recording.losses.arguments;
    assert!(lost > 0);
    assert_eq!(recording.losses.total(), lost, "{:?}", recording.losses);
    assert!(ran.stderr.contains("arguments"), "{}", ran.stderr);
    let callers = &recording.architectures[NATIVE]["socket"].callers;
    assert_eq!(callers.len(), PROGRAMS);
    let noted = callers
        .iter()
        .map(|caller| caller.arguments.as_ref().unwrap());
    let (overflowed, whole): (Vec<_>, Vec<_>) = noted.partition(|noted| noted.overflowed);
    assert!(!overflowed.is_empty());
    assert!(whole.len() > PROGRAMS / 2, "{}", whole.len());
    for noted in whole {
        assert_eq!(noted.combinations.len(), COMBINATIONS);
    }
}

/// A checkpoint comes of new arguments alone.
#[test]
fn checkpoints_have_them() {
    let (folder, path) = output();
    let (seen, done) = (folder.path().join("seen"), folder.path().join("done"));
    let script = format!(
        "import os, socket, time\n\
         def wait(path):\n\
         \x20   while not os.path.exists(path): time.sleep(0.02)\n\
         socket.socket(socket.AF_UNIX)\n\
         wait({seen:?})\n\
         socket.socket(socket.AF_INET)\n\
         wait({done:?})\n"
    );
    let mut command = profiler_tests::profiler();
    let mut recorder = command
        .args(["record", "--checkpoint", "100ms", "-o"])
        .arg(&path)
        .args(["--", "/usr/bin/python3", "-c", &script])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    for (domain, file) in [(1, &seen), (2, &done)] {
        profiler_tests::wait_until("a checkpoint with the socket's domain", || {
            path.exists() && {
                let recording = recording(&path);
                assert_eq!(recording.status, Status::Checkpoint);
                let native = &recording.architectures[NATIVE];
                let callers = native.get("socket").map(|call| &call.callers[..]);
                let noted = callers.unwrap_or_default().iter();
                let noted = noted.filter_map(|caller| caller.arguments.as_ref());
                noted
                    .flat_map(|noted| &noted.combinations)
                    .any(|values| values[0] == domain)
            }
        });
        fs::write(file, "").unwrap();
    }
    assert!(recorder.wait().unwrap().success());
}
