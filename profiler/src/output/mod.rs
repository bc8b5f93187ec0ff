//! The formats in which a result leaves: one file a format. Text only; nothing is decided here.
//!
//! Text ends with a newline, and the same values make the same bytes.

mod capabilities;
mod docker_run;
mod oci;

pub use capabilities::capabilities;
pub use docker_run::docker_run;
pub use oci::oci;

use serde::Serialize;

fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain values are always valid JSON");
    text.push('\n');
    text
}
