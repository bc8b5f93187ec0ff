//! An oracle that is not ours: the workload's set equals strace's set of the same run, exactly.

use std::collections::BTreeSet;

use profiler::profile::Profile;
use profiler::recording::Phase;
use profiler_tests::{Trace, calls, program, run};

use super::record_traced;

/// What the open filter answers in the kernel's place. Seccomp runs before sys_enter, so such a
/// call is not recorded; strace sees it, since it stops a thread before either.
fn answered() -> BTreeSet<String> {
    let rules = Profile::open().syscalls;
    rules.into_iter().flat_map(|rule| rule.names).collect()
}

#[track_caller]
fn agrees(name: &str) {
    let program = program(name);
    let (recording, trace) = record_traced(&program);
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
    let ours = calls(&recording, "SCMP_ARCH_X86_64", Phase::Workload);
    let theirs: BTreeSet<_> = trace
        .calls(&program)
        .difference(&answered())
        .cloned()
        .collect();
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
    let (missing, invented): (Vec<_>, Vec<_>) = (only(&theirs, &ours), only(&ours, &theirs));
    assert!(
        missing.is_empty() && invented.is_empty(),
        "missing: {missing:?}, invented: {invented:?}"
    );
    assert!(theirs.len() > 1, "strace saw next to nothing: {theirs:?}");
}

#[test]
fn static_program() {
    agrees("static");
}

#[test]
fn threaded_program() {
    agrees("threaded");
}

#[test]
fn forking_program() {
    agrees("forking");
}

/// The smallest there is: every call that is not the program's would stand out.
#[test]
fn program_of_two_calls() {
    agrees("getppid");
}

/// Without our recorder: the oracle says what is known of the smallest program.
#[test]
fn the_oracle_itself() {
    let program = program("getppid");
    let trace = Trace::new();
    let mut command = trace.command();
    run(command.args(["sh", "-c", "\"$0\"; \"$0\""]).arg(&program)).expect_code(0);
    let calls: Vec<_> = trace.calls(&program).into_iter().collect();
    assert_eq!(calls, ["exit", "getppid"]);
}
