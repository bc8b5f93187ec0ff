//! What machines read is what the published schemas say of it. `lint`, `diff` and `coverage` have their
//! own tests beside what they tell.

use std::fs;

use jsonschema::Validator;
use profiler::capabilities::CapabilityList;
use profiler::generator::{self, FloorFile};
use profiler::{output, recording};
use profiler_tests::file;
use serde_json::Value;

use super::{ALL, recordings};

pub(crate) fn published(name: &str) -> Validator {
    let schema = profiler::schema::find(name).expect("it is published");
    validator(schema.text)
}

/// Of OASIS: `sarif/README.md`.
pub(crate) fn sarif() -> Validator {
    let path = file("golden/sarif/sarif-schema-2.1.0.json");
    validator(&fs::read_to_string(path).expect("it is there"))
}

fn validator(schema: &str) -> Validator {
    let schema = serde_json::from_str(schema).expect("it is JSON");
    jsonschema::validator_for(&schema).expect("it is a schema")
}

pub(crate) fn faults(schema: &Validator, value: &Value) -> Vec<String> {
    let errors = schema.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[track_caller]
fn check(schema: &Validator, text: &str) {
    let mut value: Value = serde_json::from_str(text).expect("it is JSON");
    assert_eq!(faults(schema, &value), Vec::<String>::new());
    value["version"] = "one".into();
    assert!(!schema.is_valid(&value));
}

#[test]
fn recordings_are() {
    let schema = published("recording");
    for recording in recordings(&ALL) {
        check(&schema, &recording::to_json(&recording));
    }
}

#[test]
fn capability_lists_are() {
    let schema = published("capabilities");
    for recording in recordings(&ALL) {
        if let Ok((list, _)) = generator::capabilities(&[recording], None) {
            check(&schema, &output::capabilities(&list));
        }
    }
    let tried = fs::read(file("golden/tried.capabilities.json")).expect("it is there");
    let tried: CapabilityList = serde_json::from_slice(&tried).expect("it is one");
    check(&schema, &output::capabilities(&tried));
}

#[test]
fn measured_runtimes_are() {
    let schema = published("floor");
    let folder = fs::read_dir(file("../profiles/floors")).expect("it is there");
    let mut checked = 0;
    for entry in folder {
        let text = fs::read(entry.expect("it can be listed").path()).expect("it is there");
        let floor = FloorFile::parse(&text).expect("it is one");
        check(&schema, &floor.to_json());
        checked += 1;
    }
    assert!(checked > 0);
}
