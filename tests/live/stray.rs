//! Numbers that no table has are kept as numbers, never dropped.

use profiler::recording::Phase;
use profiler_tests::{calls, program};

use super::record_traced;

#[test]
fn numbers_without_a_name_are_kept() {
    let program = program("stray");
    let (recording, trace) = record_traced(&program);
    let ours = calls(&recording, "SCMP_ARCH_X86_64", Phase::Workload);
    assert!(ours.contains("1000") && ours.contains("-1"), "{ours:?}");
    assert_eq!(ours, trace.calls(&program));
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
}
