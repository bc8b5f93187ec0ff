//! `cargo xtask fuzz`: the parsers' tests with many cases. What fails is kept in
//! `tests/fuzz/regressions.txt`, to be committed with the mend.

use anyhow::Result;

use crate::shell::{cargo, run};

pub(crate) fn fuzz(cases: u32) -> Result<()> {
    // Optimised, else most of the time goes into the cases.
    run(cargo()
        .args(["test", "--package", "profiler-tests", "--test", "fuzz"])
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "2")
        .env("PROPTEST_CASES", cases.to_string()))
}
