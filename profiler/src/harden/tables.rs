//! `profiles/hardening.json`, parsed once.

use std::path::Path;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) static HARDENING: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../profiles/hardening.json"))
        .expect("a unit test parses it")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    #[serde(rename = "about")]
    _about: String,
    temporary: Vec<Place>,
    of_the_engine: Vec<Place>,
    pub(super) margins: Margins,
    pub(super) nobody: Nobody,
    pub(super) never_drop: Vec<Kept>,
    pub(super) often_silent: Often,
    pub(super) findings: Vec<Advice>,
    left_out: Vec<LeftOut>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    path: String,
    #[serde(rename = "reason")]
    _reason: String,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Margins {
    pub(super) memory_mib: Margin,
    pub(super) processes: Margin,
    pub(super) descriptors: Margin,
    pub(super) tmpfs_mib: Margin,
}

/// How far above what was seen a limit lies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Margin {
    pub(super) factor: u64,
    pub(super) least: u64,
    pub(super) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nobody {
    pub(super) user: String,
    pub(super) reason: String,
    #[serde(rename = "source")]
    _source: String,
}

/// Calls that stay though a test passes without them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) calls: Vec<String>,
    pub(super) reason: String,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Often {
    pub(super) calls: Vec<String>,
    #[serde(rename = "reason")]
    _reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advice {
    pub(super) sign: Sign,
    pub(super) risk: String,
    pub(super) mend: String,
    #[serde(rename = "source")]
    _source: String,
}

/// What a finding is known by.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sign {
    MountOf(Vec<String>),
    MountOfTheHost,
    Network(Vec<String>),
    /// Without `CAP_`.
    Capability(Vec<String>),
    /// Parts of a name, in upper case.
    VariableNamed(Vec<String>),
    PublishedEverywhere,
    NewPrivileges,
    /// Options that say how a container runs today.
    GivenUp(Vec<String>),
    /// None of these, as the engine names them.
    EngineWithout(Vec<String>),
}

/// What guides to hardening advise besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    pub advice: String,
    pub reason: String,
}

pub fn left_out() -> &'static [LeftOut] {
    &HARDENING.left_out
}

impl Table {
    /// Why nothing there has to last; `None`: it may have to.
    pub(super) fn temporary(&self, path: &str) -> Option<&Place> {
        self.temporary.iter().find(|place| place.holds(path))
    }

    pub(super) fn is_of_the_engine(&self, path: &str) -> bool {
        self.of_the_engine.iter().any(|place| place.holds(path))
    }
}

impl Place {
    fn holds(&self, path: &str) -> bool {
        Path::new(path).starts_with(&self.path)
    }
}

impl Margin {
    pub(super) fn above(&self, peak: u64) -> u64 {
        peak.saturating_mul(self.factor).max(self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::HARDENING;

    #[test]
    fn a_path_is_of_whom_it_lies_below() {
        let table = &*HARDENING;
        assert!(table.temporary("/run/nginx.pid").is_some());
        assert!(table.temporary("/running").is_none());
        assert!(table.temporary("/data").is_none());
        assert!(table.is_of_the_engine("/etc/hosts"));
        assert!(!table.is_of_the_engine("/etc/nginx"));
    }

    /// A page that changes tomorrow says something else then.
    #[test]
    fn each_source_is_of_a_version() {
        let table = include_str!("../../../profiles/hardening.json");
        let sources: Vec<&str> = table.split("\"source\": \"").skip(1).collect();
        assert!(!sources.is_empty());
        for source in sources {
            let source = source.split('"').next().unwrap();
            let at = source.split_once("/blob/").map(|(_, at)| at);
            let version = at.and_then(|at| at.split('/').next());
            let is_version = |at: &str| {
                at.strip_prefix('v')
                    .is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()))
                    || (at.len() == 40 && at.bytes().all(|b| b.is_ascii_hexdigit()))
            };
            assert!(
                version.is_some_and(is_version)
                    || source.starts_with("https://refspecs.linuxfoundation.org/FHS_3.0/"),
                "{source}"
            );
        }
    }

    #[test]
    fn a_limit_lies_above_the_peak_and_never_low() {
        let margin = &HARDENING.margins.processes;
        assert_eq!(margin.above(1), margin.least);
        assert!(margin.above(1000) > 1000);
        assert_eq!(margin.above(u64::MAX), u64::MAX);
    }
}
