//! The recording: the versioned file between `record` and everything that comes after it.
//!
//! Facts only. What to allow is the generator's business; what a rule of thumb thinks of a
//! capability check is the classification's. Names, not numbers; nothing that was seen is left
//! out, and what was lost is counted in [`Losses`], which is always present.

mod arguments;
mod assumption;
mod capabilities;
mod file;
mod head;
mod losses;
mod merge;
mod subject;
mod text;

pub use arguments::{Arguments, NotedArgument};
pub use assumption::{Assumption, assumptions};
pub use capabilities::{Capabilities, CapabilityCheck, Gain, LowPort};
pub use file::{ReadError, parse, read, to_json, write};
pub use head::Head;
pub use losses::Losses;
pub use merge::{Difference, MergeError, merge, merge_all};
pub use subject::{Service, Subject, command_line, image_word};
pub use text::{Text, harmless, terminals_obey};

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The value of [`Recording::format`].
pub const FORMAT: &str = "profiler.recording";
/// The version that this build writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// The order that recordings and profiles list them in; others follow, sorted.
pub const ARCHITECTURES: [&str; 3] = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];

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
    /// What was run in the subject from outside, besides its own first program.
    pub sessions: Vec<ExecSession>,
    /// By architecture as seccomp names it (`SCMP_ARCH_X86_64`), then by call name. A number
    /// that has no name is its own name, in decimal.
    pub architectures: IndexMap<String, IndexMap<String, Syscall>>,
    pub capabilities: Capabilities,
    /// Who gained privileges on exec: set-id programs, and those with file capabilities, that
    /// no-new-privileges would keep from them; `null`: in at least one run nobody looked.
    #[serde(default)]
    pub gains: Option<Vec<Gain>>,
    /// What could not be seen and is taken to be harmless, or to be closed by the generator.
    pub assumptions: BTreeSet<Assumption>,
    pub losses: Losses,
}

impl Recording {
    pub fn attempts_mut(&mut self) -> impl Iterator<Item = &mut Attempt> {
        let calls = self
            .architectures
            .values_mut()
            .flat_map(IndexMap::values_mut);
        calls.flat_map(|call| &mut call.tried)
    }

    /// Of calls and attempts, checks, ports and gains.
    pub fn each_caller(&mut self, mut each: impl FnMut(&mut Caller)) {
        let calls = self
            .architectures
            .values_mut()
            .flat_map(IndexMap::values_mut);
        for call in calls {
            call.callers.iter_mut().for_each(&mut each);
            let tried = call.tried.iter_mut().map(|attempt| &mut attempt.caller);
            tried.for_each(&mut each);
        }
        let Capabilities {
            checks, low_ports, ..
        } = &mut self.capabilities;
        let checks = checks.iter_mut().flat_map(|check| &mut check.callers);
        let ports = low_ports.iter_mut().flatten();
        let ports = ports.flat_map(|low| &mut low.callers);
        checks.chain(ports).for_each(&mut each);
        let gains = self.gains.iter_mut().flatten();
        gains.map(|gain| &mut gain.caller).for_each(&mut each);
    }
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
#[serde(deny_unknown_fields)]
pub struct Host {
    /// `uname -r`
    pub kernel: String,
    /// `uname -m`
    pub machine: String,
    /// `v2`, or `hybrid` where v1 controllers sit beside it.
    pub cgroup: CgroupMode,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
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
    /// `docker run --privileged`
    pub privileged: bool,
    /// The bounding set, names with `CAP_`, where it is known.
    pub capabilities: Option<Vec<String>>,
}

/// A seccomp profile by name and content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// [`Filter::OPEN`], [`Filter::ENGINE_DEFAULT`], [`Filter::UNCONFINED`], [`Filter::OWN`],
    /// [`Filter::UNKNOWN`], or the file's path.
    pub name: Text,
    /// Of the JSON text, lower-case hex; absent for a filter that the engine keeps to itself.
    pub sha256: Option<String>,
}

impl Filter {
    /// Allows all but the ways round a filter (`profiles/open.json`).
    pub const OPEN: &str = "open";
    /// What the engine gives a container that asks for nothing.
    pub const ENGINE_DEFAULT: &str = "engine-default";
    /// The container's own, given to the engine by somebody else.
    pub const OWN: &str = "own";
    /// There is one, and nobody tells which.
    pub const UNKNOWN: &str = "unknown";
    /// None at all.
    pub const UNCONFINED: &str = "unconfined";

    pub fn is(&self, name: &str) -> bool {
        self.name.as_bytes() == name.as_bytes()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// From 1.
    pub id: u32,
    /// RFC 3339, UTC, to the nanosecond: with the container it tells a run from all others.
    pub started: String,
    pub duration_ms: u64,
    /// Absent for a command or a cgroup.
    pub container: Option<RunContainer>,
    /// Whether it was watched before its first call, not attached to later.
    pub from_birth: bool,
    /// Whether it was watched until it had ended.
    pub to_end: bool,
    pub outcome: Outcome,
}

/// The container that a run was: a replica of a service, or a restart, has a run of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunContainer {
    /// 64 hexadecimal digits.
    pub id: String,
    /// As the engine last told it: containers can be renamed.
    pub name: Text,
}

/// A program that joined the subject later than its first one: `docker exec`, a health check.
/// The same command line is the same session, however often it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecSession {
    /// From 1; [`Caller::session`] refers to it.
    pub id: u32,
    pub kind: SessionKind,
    /// The first 240 bytes of it; empty where it could not be read.
    pub argv: Vec<Text>,
    /// Ids of the runs that it was seen in, ascending.
    pub runs: Vec<u32>,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    Exec,
    /// The command line is that of the container's health check.
    HealthCheck,
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

/// A call that the subject made, or tried to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Syscall {
    /// In the architecture's table, without the x32 bit.
    pub number: i32,
    /// Who made it; empty where it was only tried.
    pub callers: Vec<Caller>,
    /// Who tried it and was refused by the filter that the subject ran under.
    pub tried: Vec<Attempt>,
}

impl Syscall {
    /// Whose call it was; empty where it was only tried.
    pub fn phases(&self) -> BTreeSet<Phase> {
        self.callers.iter().map(|caller| caller.phase).collect()
    }
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
    /// A program that joined later (`docker exec`, a health check), and all that it started.
    Exec,
}

/// An executable, in one phase and session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    pub phase: Phase,
    /// The [`ExecSession`]'s id; absent in other phases, and where the sessions overflowed.
    pub session: Option<u32>,
    /// As it was given to exec, inside the container; absent before the first exec and where it
    /// could not be read.
    pub exe: Option<Text>,
    /// Ids of the runs that it was seen in, ascending.
    pub runs: Vec<u32>,
    /// Absent where the evidence was lost (see [`Losses::events`]).
    pub first: Option<Sighting>,
    /// Of a call's arguments, those that are noted; absent where none are, or in at least one run
    /// none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Arguments>,
}

impl Caller {
    /// What tells one caller of a call from another.
    pub fn identity(&self) -> (Phase, Option<u32>, Option<&Text>) {
        (self.phase, self.session, self.exe.as_ref())
    }
}

/// Refused calls of one caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    pub caller: Caller,
    /// The errno that the caller got (1 for EPERM); absent where it was sent a signal.
    pub errno: Option<i32>,
    /// How often, by run.
    pub counts: BTreeMap<u32, u64>,
}

impl Attempt {
    /// In all runs.
    pub fn count(&self) -> u64 {
        self.counts
            .values()
            .fold(0, |sum, &count| sum.saturating_add(count))
    }
}

/// Who did something for the first time, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    pub run: u32,
    /// Since the run started.
    pub at_ms: u64,
    /// On the host.
    pub process: u32,
    pub comm: Text,
    /// The six argument registers; empty where they are not known.
    pub args: Vec<u64>,
}
