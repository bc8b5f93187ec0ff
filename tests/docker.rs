//! The container engine, through its own command: an oracle that shares no code with ours.

use std::process::Command;

use crate::{Ran, run, unique};

/// What `docker ARGS` wrote on stdout, trimmed; panics with its stderr where it fails.
#[track_caller]
pub fn docker(args: &[&str]) -> String {
    let Ran {
        code,
        stdout,
        stderr,
    } = run(Command::new("docker").args(args));
    assert_eq!(code, 0, "docker {}: {stderr}", args.join(" "));
    stdout.trim().to_owned()
}

/// A test image by its recipe's name.
#[track_caller]
pub fn image(name: &str) -> String {
    let image = format!("profiler-test/{name}:latest");
    let found = run(Command::new("docker").args(["image", "inspect", &image]));
    assert_eq!(
        found.code,
        0,
        "no image {image}: run `cargo xtask images` first ({})",
        found.stderr.trim()
    );
    image
}

/// A name of a test's own for an image, so that its containers can be told from all others.
pub struct Tag(String);

impl Tag {
    #[track_caller]
    pub fn of(name: &str) -> Self {
        let tag = format!("profiler-test/{name}:{}", unique("test"));
        docker(&["tag", &image(name), &tag]);
        Self(tag)
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    /// Containers that were made of it, whatever their state.
    pub fn containers(&self) -> Vec<String> {
        docker(&["ps", "--all", "--format", "{{.Names}} {{.Image}}"])
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, image)| *image == self.0)
            .map(|(name, _)| name.to_owned())
            .collect()
    }
}

impl Drop for Tag {
    /// Also takes away what a failed test left, so that it fails no other.
    fn drop(&mut self) {
        for container in self.containers() {
            let _ = Command::new("docker")
                .args(["rm", "--force", &container])
                .output();
        }
        let _ = Command::new("docker")
            .args(["rmi", "--no-prune", &self.0])
            .output();
    }
}
