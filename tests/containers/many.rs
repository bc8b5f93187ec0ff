//! Two hundred containers that live for a moment, on a machine that has no time for us.

use std::collections::BTreeSet;
use std::process::Command;

use profiler::recording::Phase;
use profiler_tests::{Busy, calls, image, run};

use super::watching::{
    Busybox, Events, Place, X86_64, expect_same_calls, expect_whole, lives, runs, workload,
};

const CONTAINERS: usize = 200;
const AT_ONCE: usize = 16;

/// `true`, the container.
fn expect_each_whole(place: &Place, test: &str) {
    let events = Events::of(place, place.label());
    let busy = Busy::start();
    run(&mut place.record(&["--label", place.label(), "--test", test])).expect_code(0);
    drop(busy);
    let lives = lives(&events.until_all_are_gone());
    assert_eq!(lives.len(), CONTAINERS);
    let recording = place.only_recording();
    assert_eq!(runs(&place.recordings()), lives);
    expect_whole(&recording);

    expect_same_calls(
        &workload(&recording),
        &Busybox::of_image().calls("true", &[]),
    );
    // Each container made each of them.
    let all: Vec<u32> = recording.runs.iter().map(|run| run.id).collect();
    let architecture = &recording.architectures[X86_64];
    for (name, call) in architecture {
        let callers = call
            .callers
            .iter()
            .filter(|caller| caller.phase == Phase::Workload);
        let seen_in: BTreeSet<u32> = callers.flat_map(|caller| caller.runs.clone()).collect();
        if !seen_in.is_empty() {
            assert!(seen_in.iter().eq(&all), "{name} in {} runs", seen_in.len());
        }
    }
    assert!(calls(&recording, X86_64, Phase::Exec).is_empty());
    // The runtime has to start the program in each.
    let execve = &architecture["execve"].callers;
    assert!(
        execve
            .iter()
            .any(|caller| caller.phase == Phase::Runtime && caller.runs == all),
        "{execve:?}"
    );
    place.expect_nothing_left();
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
