//! The files that verbs read: whatever could be read goes through all that is made of it.

use std::path::Path;

use profiler::capabilities::CapabilityList;
use profiler::commands::one_line;
use profiler::coverage::coverage;
use profiler::diff::{Side, diff};
use profiler::explain::explain;
use profiler::generator::{self, ArgumentRules, FloorFile, Options};
use profiler::profile::Container;
use profiler::recording::{self, Difference, Recording, merge_all};
use profiler::{capabilities, lint, output, profile};
use proptest::prelude::*;

use super::config;
use super::mutations::bytes;

const RECORDINGS: &[&str] = &[
    include_str!("../golden/capabilities.recording.json"),
    include_str!("../golden/troubled.recording.json"),
    include_str!("../golden/multiplexed.recording.json"),
    include_str!("../golden/attached.recording.json"),
];
const PROFILES: &[&str] = &[
    profile::OPEN,
    include_str!("../golden/lint/by-hand.json"),
    include_str!("../cli/lint.in/good.json"),
    include_str!("../cli/lint.in/repeated.json"),
];
const FLOORS: &[&str] = &[include_str!("../../profiles/floors/docker-runc-1.1.5.json")];
const LISTS: &[&str] = &[
    r#"{"add": ["CHOWN", "cap_kill"]}"#,
    include_str!("../golden/tried.capabilities.json"),
];

/// It is shown on a terminal, in one line.
fn check_error(error: impl std::error::Error + Send + Sync + 'static) -> Result<(), TestCaseError> {
    let said = one_line(&error.into());
    prop_assert!(said.contains("the file"), "{}", said);
    prop_assert!(!said.contains(['\n', '\x1b']), "{:?}", said);
    Ok(())
}

/// Errors are fine: what a recording says need not make sense.
fn use_recording(recording: Recording, list: Option<&CapabilityList>) -> Result<(), TestCaseError> {
    let again = recording::parse(
        Path::new("the file"),
        recording::to_json(&recording).as_bytes(),
    );
    prop_assert_eq!(
        again.map_err(|error| error.to_string()),
        Ok(recording.clone())
    );
    let options = Options {
        arguments: ArgumentRules::All,
        ..Options::default()
    };
    if let Ok((profile, warnings)) = generator::generate(std::slice::from_ref(&recording), options)
    {
        let told: String = warnings.iter().map(ToString::to_string).collect();
        prop_assert!(!told.contains('\x1b'), "{:?}", told);
        output::oci(&profile);
    }
    let _ = generator::capabilities(std::slice::from_ref(&recording), None);
    let told = explain(&recording, &[], list).expect("no name was asked for");
    prop_assert!(!told.contains('\x1b'), "{:?}", told);
    let found = coverage(&recording);
    let report = output::coverage::Report::new(&recording, &found, None);
    prop_assert!(!output::coverage::text(&report).contains('\x1b'));
    output::coverage::json(&report);
    let _ = merge_all(vec![recording.clone(), recording], &Difference::ALL);
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn recordings(bytes in bytes(RECORDINGS)) {
        match recording::parse(Path::new("the file"), &bytes) {
            Ok(recording) => use_recording(recording, None)?,
            Err(error) => check_error(error)?,
        }
    }

    #[test]
    fn profiles(bytes in bytes(PROFILES)) {
        let found = lint::lint(&bytes, &lint::Options::default());
        // What mends it leaves less to mend.
        if let (Ok(found), Ok(fixed)) = (found, lint::fix(&bytes, &lint::Options::default())) {
            let left = lint::lint(&fixed.text, &lint::Options::default()).expect("it was one");
            if found.is_broken {
                prop_assert!(fixed.mended.is_empty());
            } else {
                prop_assert!(left.findings.len() <= found.findings.len());
            }
        }
    }

    /// As engines and we take them, and as `diff` asks them.
    #[test]
    fn profiles_for_a_container(old in bytes(PROFILES), new in bytes(PROFILES)) {
        let parsed = |bytes: &[u8]| {
            profile::parse(Path::new("the file"), bytes, &Container::default())
        };
        let (old, new) = (parsed(&old), parsed(&new));
        let sides: Vec<Side> = [&old, &new]
            .into_iter()
            .flatten()
            .map(|file| Side::of_profile(file.profile.clone()))
            .collect();
        for error in [old.err(), new.err()].into_iter().flatten() {
            check_error(error)?;
        }
        for side in &sides {
            if let Ok(found) = diff(side, side) {
                prop_assert!(found.is_empty(), "{:?}", found);
            }
        }
        if let [old, new] = &sides[..]
            && let (Ok(there), Ok(back)) = (diff(old, new), diff(new, old))
        {
            prop_assert_eq!(there.calls.len(), back.calls.len());
            prop_assert_eq!(there.is_empty(), back.is_empty());
        }
    }

    #[test]
    fn measured_runtimes(bytes in bytes(FLOORS)) {
        if let Ok(floor) = FloorFile::parse(&bytes) {
            let again = FloorFile::parse(floor.to_json().as_bytes());
            prop_assert_eq!(again.map_err(|error| error.to_string()), Ok(floor));
        }
    }

    #[test]
    fn capability_lists(bytes in bytes(LISTS)) {
        match capabilities::parse(Path::new("the file"), &bytes) {
            Ok(list) => {
                let recording = recording::parse(Path::new("the file"), RECORDINGS[0].as_bytes());
                use_recording(recording.expect("it is whole"), Some(&list))?;
            }
            Err(error) => check_error(error)?,
        }
    }
}
