//! A forking storm on busy cores loses nothing: each of some hundred calls is made by exactly one
//! of 10,000 short processes.

use profiler_tests::{Busy, harmless, numbers, program};

use super::record;

#[test]
fn not_one_call_is_missing() {
    let storm = program("storm");
    let busy = Busy::start();
    let recording = record(&[storm.to_str().unwrap()]);
    drop(busy);

    let recorded = numbers(&recording, "SCMP_ARCH_X86_64");
    let missing: Vec<_> = harmless().difference(&recorded).copied().collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
}
