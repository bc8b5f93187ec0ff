//! The recording: the versioned file between `record` and everything that comes after it.
//!
//! Facts only. What to allow is the generator's business; what a rule of thumb thinks of a
//! capability check is the classification's. Names, not numbers; nothing that was seen is left
//! out, and what was lost is counted in [`Losses`], which is always present.

mod file;
#[cfg(test)]
mod schema;
mod text;

pub use file::{ReadError, read, write};
pub use text::Text;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The value of [`Recording::format`].
pub const FORMAT: &str = "profiler.recording";
/// The version that this build writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// What one subject (an image, a command) was seen to do, over its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Always [`FORMAT`].
    pub format: String,
    pub version: u32,
    pub status: Status,
    pub tool: Tool,
    pub subject: Subject,
    pub host: Host,
    /// Absent where no engine was involved.
    pub engine: Option<Engine>,
    pub confinement: Confinement,
    pub runs: Vec<Run>,
    /// By architecture as seccomp names it (`SCMP_ARCH_X86_64`), then by call name. A number
    /// that has no name is its own name, in decimal.
    pub architectures: IndexMap<String, IndexMap<String, Syscall>>,
    pub capabilities: Capabilities,
    pub losses: Losses,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Written at the end of the recording.
    Complete,
    /// Written while recording: the recorder did not come to its end.
    Checkpoint,
}

/// The program that wrote the recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    Command {
        argv: Vec<Text>,
    },
    Image {
        /// As the user named it.
        reference: Text,
        /// `sha256:…`
        id: String,
        repo_digests: Vec<String>,
        /// Entrypoint and command as they ran.
        argv: Vec<Text>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// `uname -r`
    pub kernel: String,
    /// `uname -m`
    pub machine: String,
    /// `v2`, or `hybrid` where v1 controllers sit beside it.
    pub cgroup: CgroupMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CgroupMode {
    V2,
    Hybrid,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// `docker` or `podman`
    pub name: String,
    pub version: String,
    /// The OCI runtime's name and version as the engine tells them.
    pub runtime: String,
    pub runtime_version: Option<String>,
    pub cgroup_driver: String,
    pub storage_driver: String,
}

/// What the subject ran under while it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confinement {
    pub filter: Filter,
    pub no_new_privileges: bool,
    /// The bounding set, names with `CAP_`, where it is known.
    pub capabilities: Option<Vec<String>>,
}

/// A seccomp profile by name and content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// `open`, `engine-default` or the file's path.
    pub name: Text,
    /// Of the JSON text, lower-case hex; absent for a filter that the engine keeps to itself.
    pub sha256: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// From 1.
    pub id: u32,
    /// RFC 3339, UTC.
    pub started: String,
    pub duration_ms: u64,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Whether what the user asked to pass did: the test, where there is one, else the subject.
    pub passed: bool,
    /// The test command's exit code; 128 + N where signal N ended it.
    pub test_exit: Option<i32>,
    /// The subject's own, likewise.
    pub subject_exit: Option<i32>,
    /// Why it did not pass, for people.
    pub reason: Option<Text>,
}

/// A call that the subject made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Syscall {
    /// In the architecture's table, without the x32 bit.
    pub number: i32,
    /// At least one phase.
    pub phases: IndexMap<Phase, Seen>,
}

/// Whose call it was, by the lineage of the process.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The container runtime's tail: behind the filter, before the subject's first program.
    Runtime,
    Workload,
    /// A program that joined later (`docker exec`, a health check): the calls that the workload
    /// had not made before it.
    Exec,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Ids of the runs that it was seen in, ascending.
    pub runs: Vec<u32>,
    /// Absent where the evidence was lost (see [`Losses::events`]).
    pub first: Option<Sighting>,
}

/// Who made a call for the first time, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    pub run: u32,
    /// Since the run started.
    pub at_ms: u64,
    /// On the host.
    pub process: u32,
    pub comm: Text,
    /// As it was given to exec, inside the container; absent where it is not known.
    pub exe: Option<Text>,
    /// The six argument registers; empty where they are not known.
    pub args: Vec<u64>,
}

/// The kernel's capability checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The hook that saw the checks; `null`: capabilities were not observed, and an empty list
    /// says nothing.
    pub observed_by: Option<String>,
    pub checks: Vec<CapabilityCheck>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilityCheck {
    /// With `CAP_`; a number without a name is kept in decimal.
    pub capability: String,
    pub granted: bool,
    /// The call in flight; absent where there was none.
    pub syscall: Option<String>,
    pub architecture: String,
    pub phase: Phase,
    /// Asked about the namespace that the task's credentials live in.
    pub own_namespace: bool,
    /// Asked of the task's own credentials, not of borrowed ones.
    pub own_credentials: bool,
    /// Kernel functions from the asker outwards (the capability machinery itself left out);
    /// empty where kernel symbols could not be read.
    pub stack: Vec<String>,
    pub seen: Seen,
}

/// What could not be kept, counted. All zero: the recording is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// First-seen evidence; the calls themselves are kept.
    pub events: u64,
    /// Processes that did not fit: their calls are filed under the workload.
    pub processes: u64,
    /// Calls with numbers past every table that did not fit: missing.
    pub stray_calls: u64,
    /// Capability checks that did not fit: missing.
    pub capability_checks: u64,
    /// Nested cgroups that did not fit: what ran in them is missing.
    pub cgroups: u64,
}

impl Losses {
    pub fn total(&self) -> u64 {
        self.events + self.processes + self.stray_calls + self.capability_checks + self.cgroups
    }
}
