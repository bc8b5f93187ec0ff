//! Recordings as files in, what is generated from them as files out, compared byte for byte.
//!
//! The recordings are small and made by hand, each for what it shows; those in `real/` are of the
//! test images with their tests, by `cargo xtask recordings`. After a change that is meant:
//! `INSTA_UPDATE=always cargo test -p profiler-tests --test golden`, and read the diff.

mod arguments;
mod covering;
mod deploying;
mod diffing;
mod explaining;
mod formats;
mod linting;
mod merge_laws;
mod merging;
mod policies;
mod portable;
mod properties;
mod real;
mod refusals;
mod schemas;

use profiler::recording::{self, Arguments, NotedArgument, Recording};

/// Everything in order: an image's workload, exec session and runtime tail; capability checks that
/// are needed, opportunistic, refused, the runtime's and overlayfs'.
const CONTAINER: &str = "container";
/// The same image at another time, with calls and a capability that the first did not show.
const CONTAINER_AGAIN: &str = "container-again";
/// A 32-bit command.
const I386: &str = "i386";
/// Whatever a recording can leave open.
const TROUBLED: &str = "troubled";
/// Capabilities were not observed.
const UNOBSERVED: &str = "unobserved";
/// Two replicas of a Compose service that ran already, under the engine's default filter.
const ATTACHED: &str = "attached";
/// Capabilities of every verdict: kept, covered by another, dropped untried, refused; an exec that
/// gained.
const CAPABILITIES: &str = "capabilities";
/// A 64-bit command that also makes 32-bit calls: whatever can be of their arguments.
const MULTIPLEXED: &str = "multiplexed";

const REAL: [&str; 4] = ["real/nginx", "real/python", "real/redis", "real/script"];

const ALL: [&str; 12] = [
    CONTAINER,
    CONTAINER_AGAIN,
    I386,
    TROUBLED,
    UNOBSERVED,
    ATTACHED,
    CAPABILITIES,
    MULTIPLEXED,
    REAL[0],
    REAL[1],
    REAL[2],
    REAL[3],
];

fn recording(name: &str) -> Recording {
    let path = profiler_tests::file(&format!("golden/{name}.recording.json"));
    recording::read(&path).unwrap_or_else(|error| panic!("{error}"))
}

/// Index and mask of each, and the combinations.
fn noted<const N: usize>(noted: [(u8, u32); N], combinations: &[[u32; N]]) -> Arguments {
    Arguments {
        noted: noted
            .map(|(index, mask)| NotedArgument { index, mask })
            .to_vec(),
        combinations: combinations.iter().map(|values| values.to_vec()).collect(),
        overflowed: false,
    }
}

fn recordings(names: &[&str]) -> Vec<Recording> {
    names.iter().map(|name| recording(name)).collect()
}

/// A line each, as the command shows them.
fn lines<T: ToString>(warnings: &[T]) -> String {
    warnings
        .iter()
        .map(|warning| warning.to_string() + "\n")
        .collect()
}
