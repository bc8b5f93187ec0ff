//! What the conditions of an engine's profile are held against: a container's capabilities and the
//! kernel below it.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::names::CAPABILITIES;

/// As engines compare kernels: `6.1` is all of 6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion {
    pub major: u32,
    pub minor: u32,
}

impl KernelVersion {
    /// Newer than any that a condition names: for what depends on no machine.
    pub const NEWEST: Self = Self {
        major: u32::MAX,
        minor: 0,
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kernel's version has two numbers, as in 6.1")]
pub struct NoKernelVersion;

/// Of a release as `uname -r` tells it too: what follows the two numbers is left out.
impl FromStr for KernelVersion {
    type Err = NoKernelVersion;

    fn from_str(release: &str) -> Result<Self, NoKernelVersion> {
        let (major, rest) = release.split_once('.').ok_or(NoKernelVersion)?;
        let end = rest.find(|c: char| !c.is_ascii_digit());
        let minor = &rest[..end.unwrap_or(rest.len())];
        let number = |digits: &str| digits.parse().map_err(|_| NoKernelVersion);
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    capabilities: BTreeSet<String>,
    kernel: KernelVersion,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no capability is called {0:?}")]
pub struct UnknownCapability(String);

#[derive(Deserialize)]
struct Table {
    capabilities: BTreeSet<String>,
}

static DEFAULT: LazyLock<Table> = LazyLock::new(|| {
    let table = include_str!("../../../profiles/engines/docker-capabilities.json");
    serde_json::from_str(table).expect("a unit test reads it")
});

impl Default for Container {
    /// One that asks for nothing, on a new kernel.
    fn default() -> Self {
        Self {
            capabilities: DEFAULT.capabilities.clone(),
            kernel: KernelVersion::NEWEST,
        }
    }
}

impl Container {
    /// With what `docker run` adds and drops: names with `CAP_` or without, in any case, or `ALL`
    /// (<https://github.com/moby/moby/blob/docker-v29.4.0/daemon/pkg/oci/caps/utils.go#L75>).
    pub fn with(add: &[String], drop: &[String]) -> Result<Self, UnknownCapability> {
        let (all_added, add) = named(add)?;
        let (all_dropped, drop) = named(drop)?;
        let less = |from: BTreeSet<String>| from.difference(&drop).cloned().collect();
        let capabilities: BTreeSet<String> = if all_added {
            less(CAPABILITIES.map(str::to_owned).into())
        } else if all_dropped {
            add
        } else {
            let left: BTreeSet<String> = less(DEFAULT.capabilities.clone());
            left.union(&add).cloned().collect()
        };
        Ok(Self {
            capabilities,
            kernel: KernelVersion::NEWEST,
        })
    }

    /// What cannot be read for a version is a new one.
    #[must_use]
    pub fn on(self, release: &str) -> Self {
        let kernel = release.parse().unwrap_or(KernelVersion::NEWEST);
        Self { kernel, ..self }
    }

    pub(super) fn has(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    pub(super) fn runs_on(&self, oldest: KernelVersion) -> bool {
        self.kernel >= oldest
    }
}

/// Whether all are meant, and which others.
fn named(list: &[String]) -> Result<(bool, BTreeSet<String>), UnknownCapability> {
    let (mut all, mut others) = (false, BTreeSet::new());
    for given in list {
        let name = given.to_ascii_uppercase();
        if name == "ALL" {
            all = true;
            continue;
        }
        let short = name.strip_prefix("CAP_").unwrap_or(&name);
        let full = format!("CAP_{short}");
        if !CAPABILITIES.contains(&full.as_str()) {
            return Err(UnknownCapability(given.clone()));
        }
        others.insert(full);
    }
    Ok((all, others))
}

#[cfg(test)]
mod tests {
    use super::{Container, KernelVersion};
    use crate::names::CAPABILITIES;

    fn with(add: &[&str], drop: &[&str]) -> Container {
        let owned = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        Container::with(&owned(add), &owned(drop)).unwrap()
    }

    #[test]
    fn capabilities_are_added_and_dropped_as_docker_does() {
        let default = Container::default();
        assert_eq!(with(&[], &[]), default);
        assert!(default.has("CAP_CHOWN") && !default.has("CAP_SYS_ADMIN"));
        let tweaked = with(&["cap_sys_admin"], &["CHOWN"]);
        assert!(tweaked.has("CAP_SYS_ADMIN") && tweaked.has("CAP_KILL"));
        assert!(!tweaked.has("CAP_CHOWN"));
        let only = with(&["CHOWN"], &["all"]);
        assert_eq!(only.capabilities.len(), 1);
        let most = with(&["ALL"], &["ALL", "SYS_ADMIN"]);
        assert_eq!(most.capabilities.len(), CAPABILITIES.len() - 1);
    }

    #[test]
    fn a_capability_that_there_is_not_is_named() {
        let error = Container::with(&["SYS_ADMINN".to_owned()], &[]).unwrap_err();
        assert_eq!(error.to_string(), "no capability is called \"SYS_ADMINN\"");
    }

    #[test]
    fn kernels_are_compared_by_two_numbers() {
        let old = Container::default().on("4.8.17-generic");
        let at = |text: &str| text.parse::<KernelVersion>().unwrap();
        assert!(old.runs_on(at("4.8")) && !old.runs_on(at("4.10")));
        assert!(Container::default().runs_on(at("999.0")));
        for broken in ["", "6", "six.1", "6.", ".1"] {
            assert!(broken.parse::<KernelVersion>().is_err(), "{broken:?}");
        }
    }
}
