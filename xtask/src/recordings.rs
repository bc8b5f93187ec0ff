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

/// Two releases of one program: the image, what the recording is called.
const RELEASES: [(&str, &str); 2] = [("redis", "redis-7.0"), ("redis-trixie", "redis-8.0")];
/// So that what one run shows by chance is told from what the release does.
const RUNS: u32 = 3;

pub(crate) fn recordings() -> Result<()> {
    setup::setup()?;
    images::images()?;
    run(cargo().args(["build", "--bins", "-p", "profiler"]))?;
    for image in IMAGES {
        record(
            image,
            image,
            &format!("tests/golden/real/{image}.recording.json"),
        )?;
    }
    for (image, name) in RELEASES {
        let runs: Vec<String> = (1..=RUNS)
            .map(|number| format!("target/{name}.{number}.recording.json"))
            .collect();
        for file in &runs {
            record(image, "redis", file)?;
        }
        run(profiler().arg("merge").args(&runs).args([
            "-o",
            &format!("tests/golden/releases/{name}.recording.json"),
        ]))?;
    }
    Ok(())
}

fn record(image: &str, test: &str, file: &str) -> Result<()> {
    run(profiler()
        .args(["record", "--strict"])
        .args(["--image", &format!("profiler-test/{image}:latest")])
        .args(["--test", &format!("sh tests/containers/{test}.sh")])
        .args(["-o", file]))
}

fn profiler() -> Command {
    let mut command = Command::new("target/debug/profiler");
    command.current_dir(workspace());
    command
}
