//! Programs of the i386 ABI lie under their own architecture, by its own names.

use profiler::recording::Phase;
use profiler_tests::{calls, program};

use super::record_traced;

#[test]
fn i386_calls_are_kept_apart() {
    let program = program("i386");
    let (recording, trace) = record_traced(&program);
    assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
    let ours = calls(&recording, "SCMP_ARCH_X86", Phase::Workload);
    assert_eq!(ours, trace.calls(&program));
    // Each of these numbers means another call, or none, in the x86_64 table.
    for name in [
        "time", "stime", "waitpid", "_llseek", "getuid32", "olduname", "mmap2",
    ] {
        assert!(ours.contains(name), "{name} is not in {ours:?}");
    }
    let native = calls(&recording, "SCMP_ARCH_X86_64", Phase::Workload);
    assert!(
        native.is_empty(),
        "the program has no such code: {native:?}"
    );
}
