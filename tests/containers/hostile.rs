//! Names that a terminal, a shell, JSON and HTML would act on: kept byte for byte, shown harmlessly.

use std::collections::BTreeSet;

use profiler::recording::{Phase, Text};
use profiler_tests::{Ran, image, profiler, program, run};

use super::watching::{Place, X86_64};

/// As in `tests/programs/hostile.c`.
const COMM: &[u8] = b"\x1b[31m\"\n<script>";
const EXE: &[u8] =
    b"/tmp/\x1b[31m\"\n<script>'$(id)`;\\x41\t\r\x08\x7f\xff\xfe\xe2\x80\xae{{}}&amp;%n";

#[track_caller]
fn expect_harmless(ran: &Ran) {
    for stream in [&ran.stdout, &ran.stderr] {
        let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!stream.contains(harmful), "{stream:?}");
    }
}

#[test]
fn names_of_programs_are_kept() {
    let place = Place::new();
    let mount = format!("{}:/hostile:ro", program("hostile").display());
    let test = format!(
        "docker run --rm --network none --label {} --volume {mount} {} /hostile",
        place.label(),
        image("busybox")
    );
    let ran = run(&mut place.record(&["--label", place.label(), "--test", &test]));
    expect_harmless(&ran);
    ran.expect_code(0);
    let recording = place.only_recording();
    let calls = &recording.architectures[X86_64];
    let [caller] = &calls["times"].callers[..] else {
        panic!("{:?}", calls["times"]);
    };
    assert_eq!(caller.phase, Phase::Workload);
    assert_eq!(caller.exe.as_ref().map(Text::as_bytes), Some(EXE));
    let comm = &caller.first.as_ref().unwrap().comm;
    assert_eq!(comm.as_bytes(), COMM);

    for format in ["oci", "capabilities"] {
        let path = place.at("recordings/busybox.recording.json");
        let generated = run(profiler()
            .arg("generate")
            .arg(path)
            .args(["--format", format]))
        .expect_code(0);
        expect_harmless(&generated);
    }
    place.expect_nothing_left();
}

#[test]
fn labels_and_command_lines_are_kept() {
    let place = Place::new();
    let evil = "\u{1b}[31m\u{7}\"\n<script>\u{202e}";
    let name = place.service(&["--label", &format!("evil={evil}"), "--env", evil]);
    let label = format!("evil={evil}x");
    let ran = run(&mut place.record(&["--label", &label, "--test", "true"])).expect_code(125);
    expect_harmless(&ran);
    assert_eq!(ran.stderr.lines().count(), 1, "{:?}", ran.stderr);

    let mut record = place.record(&["--container", &name]);
    let test = "docker exec \"$NAME\" true \"$EVIL\"";
    record
        .args(["--test", test])
        .envs([("NAME", &*name), ("EVIL", evil)]);
    let ran = run(&mut record);
    expect_harmless(&ran);
    ran.expect_code(0);
    let recording = place.only_recording();
    let lines: BTreeSet<_> = recording
        .sessions
        .iter()
        .map(|session| &session.argv[..])
        .collect();
    assert_eq!(lines, BTreeSet::from([&["true", evil].map(Text::from)[..]]));
    place.expect_nothing_left();
}
