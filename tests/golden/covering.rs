//! How sure one can be that the next run needs nothing new: words for people, JSON for machines.

use profiler::coverage::{Coverage, coverage};
use profiler::output::coverage::{Report, json, text};
use profiler::recording::{Difference, Recording, merge_all};

use super::{ALL, CONTAINER, CONTAINER_AGAIN, recording, recordings, schemas};

fn both() -> Recording {
    let recordings = recordings(&[CONTAINER, CONTAINER_AGAIN]);
    let both = merge_all(recordings, &Difference::ALL);
    both.expect("they belong together").expect("there are two")
}

#[test]
fn every_recording_as_json_is_what_the_schema_says() {
    let schema = schemas::published("coverage");
    let mut recordings = recordings(&ALL);
    recordings.push(both());
    for recording in recordings {
        let coverage = coverage(&recording);
        let told = json(&Report::new(&recording, &coverage, None));
        let faults = schemas::faults(&schema, &serde_json::from_str(&told).unwrap());
        assert!(faults.is_empty(), "{}: {faults:?}", recording.subject);
    }
}

#[test]
fn for_machines() {
    let recording = both();
    let coverage = coverage(&recording);
    insta::assert_snapshot!(json(&Report::new(&recording, &coverage, Some(0.1))));
}

/// The figures of the calls and of the capabilities do not hide each other.
#[test]
fn the_next_run_needs_nothing_new_where_neither_kind_does() {
    let of = |calls, capabilities: Option<u32>| {
        let mut coverage: Coverage = coverage(&both());
        coverage.calls.clean_runs = calls;
        match capabilities {
            Some(runs) => coverage.capabilities.as_mut().unwrap().clean_runs = runs,
            None => coverage.capabilities = None,
        }
        coverage.clean_runs()
    };
    assert_eq!((of(7, Some(3)), of(2, Some(3)), of(7, None)), (3, 2, 7));
}

/// What every profile has is no news; what can be done without is no need.
#[test]
fn only_what_a_profile_would_gain_is_counted() {
    let recording = recording(CONTAINER);
    let coverage = coverage(&recording);
    let calls = &recording.architectures["SCMP_ARCH_X86_64"];
    assert!(calls.contains_key("futex"), "the runtime's, in most starts");
    let news = |found: &profiler::coverage::Discovery| {
        let names = found.news.iter().flat_map(|news| news.names.clone());
        names.collect::<Vec<String>>()
    };
    assert!(news(&coverage.calls).contains(&"read".to_owned()));
    assert!(!news(&coverage.calls).contains(&"futex".to_owned()));
    let asked = recording.capabilities.checks.iter();
    let asked: Vec<&str> = asked.map(|check| &*check.capability).collect();
    assert!(asked.contains(&"CAP_SYS_ADMIN"), "by every mmap");
    let needed = news(coverage.capabilities.as_ref().unwrap());
    assert!(needed.contains(&"CAP_CHOWN".to_owned()), "{needed:?}");
    assert!(!needed.contains(&"CAP_SYS_ADMIN".to_owned()), "{needed:?}");
}

#[test]
fn a_hostile_name_ends_no_line_and_no_word() {
    let mut recording = recording(CONTAINER);
    let profiler::recording::Subject::Image { reference, .. } = &mut recording.subject else {
        panic!("it is one of an image");
    };
    *reference = "a\n$(id) \u{202e}b".into();
    let coverage = coverage(&recording);
    let told = text(&Report::new(&recording, &coverage, None));
    assert!(!told.contains('\u{202e}'), "{told}");
    assert!(
        told.contains(r"--image 'a\n$(id) \u{202e}b' --test"),
        "{told}"
    );
}
