//! Two hundred containers that live for a moment, on a machine that has no time for us.

use std::collections::BTreeSet;

use profiler::recording::{Phase, Syscall};
use profiler_tests::{Busy, calls, image, run};

use super::watching::{
    Busybox, Events, Place, X86_64, expect_runs, expect_same_calls, expect_whole, workload,
};

const CONTAINERS: usize = 200;
const AT_ONCE: usize = 16;

/// `true`, the container.
fn expect_each_whole(place: &Place, test: &str) {
    let events = Events::of(place, place.label());
    let busy = Busy::start();
    run(&mut place.record(&["--label", place.label(), "--test", test])).expect_code(0);
    drop(busy);
    let events = events.until_all_are_gone();
    let recording = place.only_recording();
    assert_eq!(recording.runs.len(), CONTAINERS);
    expect_runs([&recording], &events);
    expect_whole(&recording);

    expect_same_calls(
        &workload(&recording),
        &Busybox::of_image().calls("true", &[]),
    );
    // Each container made each of them.
    let all: BTreeSet<u32> = recording.runs.iter().map(|run| run.id).collect();
    let architecture = &recording.architectures[X86_64];
    for name in workload(&recording) {
        let seen_in = seen_in(&architecture[&name], Phase::Workload);
        assert_eq!(seen_in, all, "{name}");
    }
    assert!(calls(&recording, X86_64, Phase::Exec).is_empty());
    // The runtime has to start the program in each.
    assert_eq!(seen_in(&architecture["execve"], Phase::Runtime), all);
    place.expect_nothing_left();
}

fn seen_in(call: &Syscall, phase: Phase) -> BTreeSet<u32> {
    let callers = call.callers.iter().filter(|caller| caller.phase == phase);
    callers.flat_map(|caller| caller.runs.clone()).collect()
}

#[test]
fn each_of_two_hundred_is_whole() {
    let place = Place::new();
    let test = format!(
        "seq {CONTAINERS} | xargs -P {AT_ONCE} -I {{}} \
         docker run --rm --network none --label {} {} true",
        place.label(),
        image("busybox")
    );
    expect_each_whole(&place, &test);
}
