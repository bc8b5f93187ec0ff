//! The list of capabilities to keep: what `generate --format capabilities` writes and `verify`
//! and people read.
//!
//! Values only: what is needed is decided by the generator.

mod ablation;

pub use ablation::{AblationResult, Confirmation, Outcome, apply};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::file::{self, Limit};
use crate::names;
use crate::recording::{Head, Phase, Text};

/// The value of [`CapabilityList::format`].
pub const FORMAT: &str = "profiler.capabilities";
/// The version that this build writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// Names without `CAP_`, as `docker run --cap-add` takes them. A hand-written list needs `add`
/// alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilityList {
    /// Always [`FORMAT`]; may be left out.
    #[serde(default = "format")]
    pub format: String,
    #[serde(default = "version")]
    pub version: u32,
    /// Always `["ALL"]`: a list that drops less cannot be told from one that forgot something.
    #[serde(default = "all")]
    pub drop: Vec<String>,
    /// Sorted.
    pub add: Vec<String>,
    /// The list is for use with no-new-privileges: without it the subject was never seen, or is not
    /// to run.
    #[serde(default)]
    pub no_new_privileges: bool,
    /// The hook that saw the checks; absent in a hand-written list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_by: Option<String>,
    /// What became of each capability that the subject asked for, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asked: BTreeMap<String, Asked>,
    /// Asked for and never granted while recording: the subject passed without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_when_recorded: Vec<String>,
    /// What a reader has to know besides, a sentence each; nothing in it acts on a terminal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl CapabilityList {
    /// With `CAP_` or without.
    pub fn adds(&self, name: &str) -> bool {
        self.add.iter().any(|kept| kept == short(name))
    }

    /// What is known of the capability; of one that nobody asked for, only that somebody added it.
    pub fn asked_for(&mut self, name: &str) -> &mut Asked {
        self.asked.entry(name.to_owned()).or_insert(Asked {
            decision: Decision::Keep,
            verdict: Verdict::Conditional,
            because: String::new(),
            covered_by: None,
            uses: Vec::new(),
            confirmed_by: None,
        })
    }

    /// Those whose refusal is expected under this list, as it was decided with open eyes. One that
    /// is dropped as the kernel only asks on its own account is not among them: should it be
    /// refused where it is needed, that is new.
    pub fn may_be_refused(&self) -> BTreeSet<String> {
        let dropped = self.asked.iter().filter(|(_, asked)| {
            let was_tried = asked.confirmed_by.is_some() || asked.covered_by.is_some();
            asked.decision == Decision::Drop && was_tried
        });
        dropped
            .map(|(name, _)| name)
            .chain(&self.refused_when_recorded)
            .cloned()
            .collect()
    }
}

/// A capability that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub decision: Decision,
    /// The strongest of its uses.
    pub verdict: Verdict,
    /// What the decision rests on, in a sentence.
    pub because: String,
    /// The capability that is kept and allows the same, where this one is dropped for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_by: Option<String>,
    /// By verdict, the strongest first.
    pub uses: Vec<Use>,
    /// What came of trying without it; `null` where nobody has tried.
    pub confirmed_by: Option<Confirmation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    Keep,
    Drop,
}

/// What comes of a refusal; the strongest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// An error that the program sees.
    Needed,
    /// It may change what happens without an error: only trying tells.
    Conditional,
    /// Nothing: the kernel asked on its own account.
    Opportunistic,
}

/// One way in which a capability was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Use {
    pub verdict: Verdict,
    pub granted: bool,
    /// The calls in flight, sorted; empty where there was none.
    pub syscalls: Vec<String>,
    pub architecture: String,
    pub phase: Phase,
    /// The exec session's command line, as a shell would read it, escaped for a terminal.
    pub session: Option<String>,
    /// The kernel function that asked; absent where kernel symbols could not be read.
    pub asked_by: Option<String>,
    /// Who asked, sorted.
    pub programs: Vec<Program>,
    /// How many runs it was seen in.
    pub runs: usize,
    /// What a refusal does, by the rule.
    pub reason: String,
    /// The line of the kernel that the rule was read from; absent where no rule knows the check.
    pub source: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Absent where it could not be read.
    pub exe: Option<Text>,
    /// Of who was first seen with it; absent where that was lost.
    pub comm: Option<Text>,
}

fn format() -> String {
    FORMAT.to_owned()
}

const fn version() -> u32 {
    VERSION
}

fn all() -> Vec<String> {
    vec!["ALL".to_owned()]
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    File(#[from] file::ReadError),
    #[error(
        "{path} is no capability list: {cause}; `profiler generate --format capabilities` writes one, and {{\"add\": [\"CHOWN\"]}} is one"
    )]
    NotAList {
        path: PathBuf,
        cause: serde_json::Error,
    },
    #[error(
        "{path} is no capability list: its \"format\" is not \"{FORMAT}\"; `profiler generate --format capabilities` writes one"
    )]
    Format { path: PathBuf },
    #[error(
        "{path} is a capability list of version {found}, and this profiler reads up to {VERSION}: update profiler"
    )]
    Newer { path: PathBuf, found: u64 },
    #[error("{path} drops {found}, and only a list that drops ALL can be judged")]
    DropsLess { path: PathBuf, found: String },
    #[error("{path} adds {name:?}, which is no capability that Linux has")]
    Unknown { path: PathBuf, name: String },
}

/// Names may be written with `CAP_` and in any case; they come back as [`CapabilityList::add`]
/// says.
pub fn read(path: &Path) -> Result<CapabilityList, ReadError> {
    parse(path, &file::read(path, Limit::CAPABILITIES)?)
}

/// `path`: what the user knows it by.
pub fn parse(path: &Path, text: &[u8]) -> Result<CapabilityList, ReadError> {
    let not_a_list = |cause| ReadError::NotAList {
        path: path.to_owned(),
        cause,
    };
    let head = Head::read(text).map_err(not_a_list)?;
    if head.format().is_some_and(|format| format != FORMAT) {
        return Err(ReadError::Format {
            path: path.to_owned(),
        });
    }
    if let Some(found) = head.newer_than(VERSION) {
        return Err(ReadError::Newer {
            path: path.to_owned(),
            found,
        });
    }
    let mut list: CapabilityList = serde_json::from_slice(text).map_err(not_a_list)?;
    if list.drop != all() {
        return Err(ReadError::DropsLess {
            path: path.to_owned(),
            found: format!("{:?}", list.drop),
        });
    }
    for name in &mut list.add {
        let upper = name.to_ascii_uppercase();
        let short = short(&upper);
        if !names::CAPABILITIES
            .iter()
            .any(|&known| self::short(known) == short)
        {
            return Err(ReadError::Unknown {
                path: path.to_owned(),
                name: name.clone(),
            });
        }
        short.clone_into(name);
    }
    list.add.sort_unstable();
    list.add.dedup();
    Ok(list)
}

/// Without `CAP_`.
pub fn short(name: &str) -> &str {
    name.strip_prefix("CAP_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CapabilityList, ReadError, parse};

    fn read(text: &str) -> Result<CapabilityList, ReadError> {
        parse(Path::new("caps.json"), text.as_bytes())
    }

    #[test]
    fn a_hand_written_list_is_enough() {
        let list = read(r#"{"drop":["ALL"],"add":["SETUID","cap_chown","CHOWN"]}"#).unwrap();
        assert_eq!(list.add, ["CHOWN", "SETUID"]);
        assert_eq!(list.observed_by, None);
        assert_eq!(read(r#"{"add":[]}"#).unwrap().drop, ["ALL"]);
    }

    #[test]
    fn the_published_schema_is_current() {
        crate::schema::check(
            "capabilities",
            super::VERSION,
            &schemars::schema_for!(CapabilityList),
        );
    }

    #[test]
    fn what_is_written_can_be_read() {
        let list = read(r#"{"add":["CHOWN"]}"#).unwrap();
        let text = serde_json::to_string(&list).unwrap();
        assert!(
            text.starts_with(r#"{"format":"profiler.capabilities","version":1,"#),
            "{text}"
        );
        assert_eq!(read(&text).unwrap(), list);
    }

    #[test]
    fn a_list_that_cannot_be_judged_is_refused() {
        for (text, said) in [
            ("[]", "is no capability list"),
            ("{}", "missing field `add`"),
            (r#"{"adds":["CHOWN"]}"#, "unknown field"),
            (r#"{"add":["CHOWM"]}"#, "\"CHOWM\""),
            (
                r#"{"format":"profiler.floor","add":[]}"#,
                "its \"format\" is not \"profiler.capabilities\"",
            ),
            (
                r#"{"version":2,"keep":[]}"#,
                "caps.json is a capability list of version 2",
            ),
            (r#"{"add":[],"drop":["CHOWN"]}"#, "drops [\"CHOWN\"]"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
