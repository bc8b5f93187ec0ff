//! Each format, and the warnings that come with it.

use profiler::capabilities::{AblationResult, Confirmation, Outcome, apply};
use profiler::generator::{self, Floor, Options};
use profiler::output;

use super::{
    ATTACHED, CAPABILITIES, CONTAINER, CONTAINER_AGAIN, I386, TROUBLED, UNOBSERVED, lines,
    recordings,
};

fn assert_profile(name: &str, of: &[&str]) {
    assert_profile_with(name, of, Options::default());
}

pub(super) fn assert_profile_with(name: &str, of: &[&str], options: Options) {
    let (profile, warnings) =
        generator::generate(&recordings(of), options).expect("enough was recorded");
    insta::assert_snapshot!(format!("{name}.oci"), output::oci(&profile));
    insta::assert_snapshot!(format!("{name}.oci.warnings"), lines(&warnings));
}

pub(super) fn assert_capabilities(name: &str, of: &[&str]) {
    let (list, warnings) =
        generator::capabilities(&recordings(of), None).expect("enough was recorded");
    insta::assert_snapshot!(format!("{name}.capabilities"), output::capabilities(&list));
    insta::assert_snapshot!(format!("{name}.capabilities.warnings"), lines(&warnings));
}

#[test]
fn a_container() {
    assert_profile("container", &[CONTAINER]);
    assert_capabilities("container", &[CONTAINER]);
}

#[test]
fn two_recordings_of_a_container() {
    assert_profile("container-twice", &[CONTAINER, CONTAINER_AGAIN]);
    assert_capabilities("container-twice", &[CONTAINER, CONTAINER_AGAIN]);
}

#[test]
fn a_32_bit_command() {
    assert_profile("i386", &[I386]);
    assert_capabilities("i386", &[I386]);
}

/// Losses, a checkpoint, a failed run, no-new-privileges, another filter, clone3 seen, numbers
/// without a name, calls too new for the common libseccomp, no kernel symbols, hostile text.
#[test]
fn whatever_a_recording_leaves_open() {
    assert_profile("troubled", &[TROUBLED]);
    assert_capabilities("troubled", &[TROUBLED]);
}

/// Nothing of the runtime's tail, the start-up or the end; calls that its filter refused.
#[test]
fn a_container_that_ran_already() {
    assert_profile("attached", &[ATTACHED]);
    assert_capabilities("attached", &[ATTACHED]);
}

/// What runc 1.1.5 was measured to call stands in for what was not seen.
#[test]
fn a_container_that_ran_already_with_a_measured_floor() {
    let floor = Floor::named("runc-1.1.5").expect("it comes with profiler");
    assert_profile_with(
        "attached-floor",
        &[ATTACHED],
        Options {
            floor: Some(&floor),
            ..Options::default()
        },
    );
}

#[test]
fn a_command_without_a_container_runtime() {
    assert_profile("unobserved", &[UNOBSERVED]);
}

#[test]
fn capabilities_of_every_verdict() {
    assert_capabilities("capabilities", &[CAPABILITIES]);
}

#[test]
fn capabilities_after_trying() {
    let (list, _) =
        generator::capabilities(&recordings(&[CAPABILITIES]), None).expect("enough was recorded");
    let result = |capability: &str, outcome, runs| AblationResult {
        capability: capability.to_owned(),
        confirmation: Confirmation {
            outcome,
            runs,
            how: "the test and the state after it".into(),
        },
    };
    let tried = apply(
        &list,
        &[
            result("DAC_OVERRIDE", Outcome::Needed, 1),
            result("FSETID", Outcome::FallsBack, 2),
            result("SETUID", Outcome::NotNeeded, 3),
            result("LEASE", Outcome::NotTried, 0),
        ],
    );
    insta::assert_snapshot!("capabilities-tried", output::capabilities(&tried));
}
