//! What differs, for machines and code hosts, and whether it is so: the evaluator judges.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use profiler::diff::{Change, Diff, Side, diff};
use profiler::output::diff::{DiffReport, json, markdown, sarif, text};
use profiler::profile::{self, Container, Profile};
use profiler::recording::Text;
use profiler_tests::file;

use super::{CONTAINER, CONTAINER_AGAIN, recording};

fn engine(name: &str) -> Profile {
    let read = profile::read(Path::new(name), &Container::default());
    read.unwrap_or_else(|error| panic!("{error}")).profile
}

fn report(diff: &Diff) -> DiffReport<'_> {
    DiffReport {
        old: Text::from("old|1.json"),
        new: Text::from("./new.json"),
        diff,
    }
}

fn recorded() -> Diff {
    let side = |name| Side::of_recording(recording(name)).expect("it can be generated from");
    diff(&side(CONTAINER), &side(CONTAINER_AGAIN)).expect("one machine made both")
}

fn engines() -> Diff {
    let side = |name| Side::of_profile(engine(name));
    let (old, new) = (side("docker-default@20.10"), side("docker-default"));
    diff(&old, &new).expect("both are profiles")
}

#[test]
fn two_recordings_in_each_format() {
    let found = recorded();
    let report = report(&found);
    let newer = fs::read_to_string(file("golden/container-again.recording.json"));
    assert_snapshot!("recordings.text", text(&report));
    assert_snapshot!("recordings.markdown", markdown(&report));
    assert_snapshot!("recordings.json", json(&report));
    assert_snapshot!(
        "recordings.sarif",
        sarif(&report, &newer.expect("it is there"))
    );
}

#[test]
fn what_machines_read_is_what_its_schema_says() {
    let (code_hosts, own) = (schemas::sarif(), schemas::published("diff"));
    for found in [recorded(), engines(), Diff::default()] {
        let report = report(&found);
        for (schema, text) in [(&code_hosts, sarif(&report, "")), (&own, json(&report))] {
            let value = serde_json::from_str(&text).expect("it is JSON");
            assert_eq!(schemas::faults(schema, &value), Vec::<String>::new());
        }
    }
}

#[test]
fn a_call_in_one_run_of_several_is_told_from_a_change() {
    let found = recorded();
    let call = |name: &str| {
        let mut calls = found.calls.iter();
        let call = calls.find(|call| call.call.as_deref() == Some(name));
        call.unwrap_or_else(|| panic!("{name} differs"))
    };
    let readv = call("readv");
    assert_eq!((readv.change, readv.may_be_chance), (Change::Added, true));
    let connect = call("connect");
    assert_eq!(
        (connect.change, connect.may_be_chance),
        (Change::Removed, false)
    );
    assert!(found.is_changed());
}
