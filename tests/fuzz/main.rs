//! Whatever bytes come: an answer or an error of one line, never a panic.
//!
//! A short run here, a long one by `cargo xtask fuzz`. What fails is kept in `regressions.txt` beside
//! this file, and tried first ever after.

mod files;
mod kernel;
mod mutations;

use proptest::test_runner::{Config, FileFailurePersistence};

/// As many cases as PROPTEST_CASES says.
fn config() -> Config {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/regressions.txt");
    Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(path))),
        ..Config::default()
    }
}
