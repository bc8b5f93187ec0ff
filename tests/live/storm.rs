//! A forking storm on busy cores loses nothing: each of some hundred calls is made by exactly one
//! of 10,000 short processes.

use std::collections::BTreeSet;
use std::process::Command;

use profiler_tests::{Busy, program, run};

use super::record;

#[test]
fn not_one_call_is_missing() {
    let storm = program("storm");
    let list = run(Command::new(&storm).arg("list")).expect_code(0);
    let expected: BTreeSet<i32> = list.stdout.lines().map(|n| n.parse().unwrap()).collect();
    assert!(expected.len() > 300);

    let busy = Busy::start();
    let recording = record(&[storm.to_str().unwrap()]);
    drop(busy);

    let recorded: BTreeSet<i32> = recording.architectures["SCMP_ARCH_X86_64"]
        .values()
        .map(|call| call.number)
        .collect();
    let missing: Vec<_> = expected.difference(&recorded).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
}
