//! `cargo xtask recordings`: what golden files are made from: the test images with their tests, as
//! the recorder writes them.
//!
//! Kept as they come, with their times and process numbers, since they are evidence: made again
//! only when a recording has more to say, and the golden files after them.

use std::process::Command;

use anyhow::Result;

use crate::shell::{cargo, run, workspace};
use crate::{images, setup};

const IMAGES: [&str; 4] = ["nginx", "python", "redis", "script"];

pub(crate) fn recordings() -> Result<()> {
    setup::setup()?;
    images::images()?;
    run(cargo().args(["build", "--bins", "-p", "profiler"]))?;
    for image in IMAGES {
        run(Command::new("target/debug/profiler")
            .current_dir(workspace())
            .args(["record", "--strict"])
            .args(["--image", &format!("profiler-test/{image}:latest")])
            .args(["--test", &format!("sh tests/containers/{image}.sh")])
            .args(["-o", &format!("tests/golden/real/{image}.recording.json")]))?;
    }
    Ok(())
}
