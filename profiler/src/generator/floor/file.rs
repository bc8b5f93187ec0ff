//! A floor as `profiler floor` writes it: what was measured, and how.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recording::{Engine, Head, Host, Text, Tool};

/// The value of [`FloorFile::format`].
pub const FORMAT: &str = "profiler.floor";
/// The version that this build writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// What one version of a container runtime calls behind the filter, over many starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FloorFile {
    /// Always [`FORMAT`].
    pub format: String,
    pub version: u32,
    /// That measured it.
    pub command: String,
    /// RFC 3339, UTC.
    pub measured: String,
    pub tool: Tool,
    pub engine: Engine,
    pub host: Host,
    /// The runtime's own, as seccomp names it.
    pub architecture: String,
    /// The runtime's own calls, without no-new-privileges.
    pub plain: Measurement,
    /// The runtime loads the filter later then, so fewer of them lie behind it.
    pub no_new_privileges: Measurement,
    /// What `--init` adds: the calls of the engine's own init, in both modes.
    pub init: Measurement,
}

/// What was seen in so many starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    pub starts: u32,
    /// By name.
    pub calls: BTreeMap<String, MeasuredCall>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasuredCall {
    /// In how many it was seen.
    pub starts: u32,
    /// The ways to start whose each start makes it, while no other does; absent where all do, or chance
    /// decides.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only: BTreeSet<String>,
    /// The threads that were the first to make it in a start, by name.
    pub by: BTreeSet<Text>,
}

/// Why a text is no floor.
#[derive(Debug, thiserror::Error)]
pub enum FloorError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("its \"format\" is not \"{FORMAT}\"")]
    Format,
    #[error("its version is {0}, and this profiler reads up to {VERSION}")]
    Newer(u64),
    #[error("nothing was measured")]
    Empty,
}

impl FloorFile {
    pub fn parse(text: &[u8]) -> Result<Self, FloorError> {
        let head = Head::read(text)?;
        if head.format() != Some(FORMAT) {
            return Err(FloorError::Format);
        }
        if let Some(newer) = head.newer_than(VERSION) {
            return Err(FloorError::Newer(newer));
        }
        let file: Self = serde_json::from_slice(text)?;
        if file.plain.calls.is_empty() || file.no_new_privileges.calls.is_empty() {
            return Err(FloorError::Empty);
        }
        Ok(file)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a floor is always valid JSON") + "\n"
    }

    pub(super) fn tail(&self, no_new_privileges: bool) -> &Measurement {
        if no_new_privileges {
            &self.no_new_privileges
        } else {
            &self.plain
        }
    }
}

impl Measurement {
    /// Whether each start makes it; else some do.
    pub fn is_always(&self, call: &MeasuredCall) -> bool {
        call.starts == self.starts
    }
}

#[cfg(test)]
mod tests {
    use super::{FloorFile, VERSION};

    #[test]
    fn the_published_schema_is_current() {
        crate::schema::check("floor", VERSION, &schemars::schema_for!(FloorFile));
    }
}
