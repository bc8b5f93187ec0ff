//! Recordings that nothing can be made of.

use profiler::generator::{self, Floor, GenerateError, Options};
use profiler::recording::{Recording, Subject, Text};

use super::{ATTACHED, CONTAINER, I386, UNOBSERVED, noted, recording, recordings};

#[test]
fn recordings_of_different_subjects_are_not_taken_together() {
    let mixed = recordings(&[I386, CONTAINER]);
    let error = generator::generate(&mixed, Options::default()).unwrap_err();
    assert!(matches!(&error, GenerateError::DifferentSubjects { .. }));
    let said = error.to_string();
    assert!(
        said.contains("./clock32") && said.contains("nginx:demo"),
        "{said}"
    );
    assert_eq!(generator::capabilities(&mixed, None).unwrap_err(), error);
}

#[test]
fn recordings_of_different_images_are_not_taken_together() {
    let mut mixed = recordings(&["real/nginx", "real/redis"]);
    let said = generator::generate(&mixed, Options::default()).unwrap_err();
    let said = said.to_string();
    for image in ["profiler-test/nginx:latest", "profiler-test/redis:latest"] {
        assert!(said.contains(image), "{said}");
    }
    // An engine may not tell what an image holds.
    for recording in &mut mixed {
        let Subject::Image { id, .. } = &mut recording.subject else {
            panic!("they record images");
        };
        id.clear();
    }
    let error = generator::generate(&mixed, Options::default()).unwrap_err();
    assert!(matches!(error, GenerateError::DifferentSubjects { .. }));
}

#[test]
fn recordings_of_different_machines_are_not_taken_together() {
    let mut other = recording(CONTAINER);
    other.host.machine = "aarch64".to_owned();
    let error =
        generator::generate(&[recording(CONTAINER), other], Options::default()).unwrap_err();
    assert_eq!(
        error,
        GenerateError::DifferentMachines {
            machines: vec!["aarch64".to_owned(), "x86_64".to_owned()]
        }
    );
}

/// An image may be named twice; its content decides.
#[test]
fn one_image_under_two_names_is_one_subject() {
    let mut other = recording(CONTAINER);
    let Subject::Image { reference, .. } = &mut other.subject else {
        panic!("{CONTAINER} records an image");
    };
    *reference = Text::from("registry.example/nginx:1");
    assert!(generator::generate(&[recording(CONTAINER), other], Options::default()).is_ok());
}

#[test]
fn nothing_comes_of_nothing() {
    assert_eq!(
        generator::generate(&[], Options::default()),
        Err(GenerateError::NoRecording)
    );

    let mut idle = recording(CONTAINER);
    idle.runs.clear();
    assert_eq!(
        generator::generate(&[idle], Options::default()),
        Err(GenerateError::NoRuns)
    );

    let mut silent = recording(CONTAINER);
    silent.architectures.clear();
    assert_eq!(
        generator::generate(&[silent], Options::default()),
        Err(GenerateError::NoCalls)
    );
}

#[test]
fn only_a_runtime_that_was_measured_has_a_floor() {
    let error = Floor::named("runc-0.1").unwrap_err();
    let GenerateError::UnknownRuntime { name, known } = &error else {
        panic!("{error}");
    };
    assert_eq!(name, "runc-0.1");
    assert!(known.contains("docker-runc-1.1.5"), "{known}");
}

/// What the runtime calls without no-new-privileges was not seen, and no container starts without.
#[test]
fn the_other_mode_is_not_guessed() {
    let mut hardened = recording(CONTAINER);
    hardened.confinement.no_new_privileges = true;
    let options = Options {
        no_new_privileges: Some(false),
        ..Options::default()
    };
    let error = generator::generate(&[hardened], options).unwrap_err();
    let GenerateError::RuntimeUnknown { known } = error else {
        panic!("{error}");
    };
    assert!(known.contains("docker-runc-1.1.5"), "{known}");
}

/// Under Compose one image may be several services.
#[test]
fn two_services_of_one_image_are_not_one_subject() {
    let as_service = |name: &str| {
        let mut recording = recording(ATTACHED);
        let Subject::Image {
            service: Some(service),
            ..
        } = &mut recording.subject
        else {
            panic!("{ATTACHED} records a service");
        };
        service.name = Text::from(name);
        recording
    };
    let error = generator::generate(
        &[as_service("web"), as_service("worker")],
        Options::default(),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("service worker of shop"),
        "{error}"
    );
}

#[test]
fn capabilities_that_were_not_observed_are_not_an_empty_list() {
    assert_eq!(
        generator::capabilities(&[recording(UNOBSERVED)], None),
        Err(GenerateError::CapabilitiesNotObserved)
    );
    // One that was observed does not make up for one that was not.
    let mut blind = recording(CONTAINER);
    blind.capabilities.observed_by = None;
    assert_eq!(
        generator::capabilities(&[recording(CONTAINER), blind], None),
        Err(GenerateError::CapabilitiesNotObserved)
    );
}

#[test]
fn a_check_that_the_kernel_did_not_show_is_told() {
    const SET_SECUREBITS: u32 = 28;
    let mut recording = recording(CONTAINER);
    let calls = recording.architectures.get_mut("SCMP_ARCH_X86_64");
    let calls = calls.expect("it made 64-bit calls");
    let mut call = calls["execve"].clone();
    for caller in &mut call.callers {
        caller.arguments = Some(noted([(0, u32::MAX)], &[[15], [SET_SECUREBITS]]));
    }
    calls.insert("prctl".to_owned(), call);
    let is_told = |recording: &Recording| {
        let recordings = std::slice::from_ref(recording);
        let (list, _) = generator::capabilities(recordings, None).expect("they were observed");
        list.notes.iter().any(|note| note.contains("add SETPCAP"))
    };
    assert!(is_told(&recording));

    let mut check = recording.capabilities.checks[0].clone();
    check.capability = "CAP_SETPCAP".to_owned();
    check.syscall = Some("prctl".to_owned());
    recording.capabilities.checks.push(check);
    assert!(!is_told(&recording), "it was seen");
}
