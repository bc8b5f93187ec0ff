//! `profiler merge`, on files that it writes.

use std::path::{Path, PathBuf};

use profiler::recording::{self, Recording};
use profiler_tests::{Ran, file, profiler, run};

fn merge(args: &[&Path]) -> Ran {
    run(profiler().arg("merge").args(args))
}

fn golden(name: &str) -> PathBuf {
    file(&format!("golden/{name}.recording.json"))
}

#[test]
fn a_file_can_be_merged_into_itself_however_often() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (golden("container"), golden("container-again"));
    let all = folder.path().join("all.json");
    let turned = folder.path().join("turned.json");
    merge(&[&one, &other, Path::new("-o"), &all]).expect_code(0);
    let before = std::fs::read_to_string(&all).unwrap();
    let again = merge(&[&other, &all, &one, Path::new("-o"), &all]).expect_code(0);
    let said = "runs: 4, of recordings: 3 (4 stood in more than one)";
    assert!(again.stderr.contains(said), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(&all).unwrap(), before);
    merge(&[&other, &one, Path::new("-o"), &turned]).expect_code(0);
    assert_eq!(std::fs::read_to_string(&turned).unwrap(), before);
    let printed = merge(&[&one, &other]).expect_code(0);
    assert_eq!(printed.stdout, before);
}

#[test]
fn a_difference_has_to_be_meant() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.json");
    let mut recorded: Recording = profiler_tests::recording(&golden("container-again"));
    recorded.host.kernel = "6.1.0-9\u{1b}[2J".into();
    recorded.confinement.filter.name = "engine-default".into();
    recording::write(&other, &recorded).unwrap();
    let one = golden("container");

    let refused = merge(&[&one, &other]).expect_code(2);
    refused.expect_line(&[
        "in kernel (6.1.0-9\\u{1b}[2J and 6.18.44), filter (engine-default",
        "--allow kernel,filter",
    ]);
    let allow = Path::new("--allow");
    let half = merge(&[&one, &other, allow, Path::new("kernel")]).expect_code(2);
    half.expect_line(&["--allow filter"]);
    merge(&[&one, &other, allow, Path::new("kernel,filter")]).expect_code(0);
}
