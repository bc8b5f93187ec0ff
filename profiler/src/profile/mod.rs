//! A seccomp profile as container engines and the OCI runtime specification write it.
//!
//! Values only: no policy is made here (that is the generator's) and nothing is loaded.

mod answer;
pub mod compile;
mod container;
pub mod deviation;
mod engines;
pub mod evaluate;
pub mod interpret;
mod read;
mod resolve;
mod runtime;

pub use answer::Answer;
pub use container::{Container, UnknownCapability};
pub use engines::DOCKER_DEFAULT;
pub use read::{ProfileFile, ReadError, bytes, bytes_within, parse, read, read_whole};
pub use runtime::{NATIVE, Runtime};

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The filter that a subject runs under while it is recorded: everything is allowed, but for the
/// two ways round a filter.
pub const OPEN: &str = include_str!("../../../profiles/open.json");

/// The JSON that `docker run --security-opt seccomp=FILE` takes
/// (<https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#seccomp>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub default_action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_errno_ret: Option<u32>,
    #[serde(default)]
    pub architectures: Vec<String>,
    #[serde(default)]
    pub syscalls: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub names: Vec<String>,
    pub action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno_ret: Option<u32>,
    /// All must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Comparison>,
    /// Why the rule is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    pub index: u32,
    pub value: u64,
    /// With `SCMP_CMP_MASKED_EQ`, `value` is the mask and this is what must remain.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub value_two: u64,
    pub op: Operator,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Action {
    #[serde(rename = "SCMP_ACT_ALLOW")]
    Allow,
    #[serde(rename = "SCMP_ACT_ERRNO")]
    Errno,
    #[serde(rename = "SCMP_ACT_KILL", alias = "SCMP_ACT_KILL_THREAD")]
    KillThread,
    #[serde(rename = "SCMP_ACT_KILL_PROCESS")]
    KillProcess,
    #[serde(rename = "SCMP_ACT_TRAP")]
    Trap,
    #[serde(rename = "SCMP_ACT_TRACE")]
    Trace,
    #[serde(rename = "SCMP_ACT_LOG")]
    Log,
    /// An agent of the engine's decides.
    #[serde(rename = "SCMP_ACT_NOTIFY")]
    Notify,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Operator {
    #[serde(rename = "SCMP_CMP_NE")]
    NotEqual,
    #[serde(rename = "SCMP_CMP_LT")]
    Less,
    #[serde(rename = "SCMP_CMP_LE")]
    LessOrEqual,
    #[serde(rename = "SCMP_CMP_EQ")]
    Equal,
    #[serde(rename = "SCMP_CMP_GE")]
    GreaterOrEqual,
    #[serde(rename = "SCMP_CMP_GT")]
    Greater,
    #[serde(rename = "SCMP_CMP_MASKED_EQ")]
    MaskedEqual,
}

impl Action {
    /// Whether the call is made, or may be: as a tracer or an agent decides.
    pub const fn lets_through(self) -> bool {
        matches!(self, Self::Allow | Self::Log | Self::Trace | Self::Notify)
    }
}

impl Rule {
    /// Whether the calls that it is for are made.
    pub fn lets_through(&self) -> bool {
        self.action.lets_through()
    }
}

impl Profile {
    /// The calls that some rule lets through, be it with some arguments only.
    pub fn allowed(&self) -> BTreeSet<&str> {
        let rules = self.syscalls.iter().filter(|rule| rule.lets_through());
        rules
            .flat_map(|rule| &rule.names)
            .map(String::as_str)
            .collect()
    }

    /// The filter of `--under open`.
    pub fn open() -> Self {
        serde_json::from_str(OPEN).expect("profiles/open.json is checked by a unit test")
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Profile};

    #[test]
    fn the_open_filter_closes_only_the_ways_round_a_filter() {
        let open = Profile::open();
        assert_eq!(open.default_action, Action::Allow);
        let refused: Vec<_> = open
            .syscalls
            .iter()
            .map(|rule| (rule.names.join(" "), rule.errno_ret))
            .collect();
        assert_eq!(
            refused,
            [
                ("clone3".to_owned(), Some(38)),
                ("io_uring_setup".to_owned(), Some(1))
            ]
        );
    }
}
