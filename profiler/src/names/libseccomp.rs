//! Which names libseccomp knows, since which release (`profiles/libseccomp.json`).
//!
//! A runtime makes no rule for a name that its libseccomp does not know.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LibseccompVersion(u32, u32, u32);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version of libseccomp; write it as in 2.5.4")]
pub struct NoVersion(String);

impl FromStr for LibseccompVersion {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[major, minor, micro]) => Ok(Self(major, minor, micro)),
            _ => Err(NoVersion(text.to_owned())),
        }
    }
}

impl fmt::Display for LibseccompVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "about")]
    _about: String,
    releases: Vec<Release>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    version: String,
    #[serde(rename = "source")]
    _source: String,
    names: Vec<String>,
}

static SINCE: LazyLock<BTreeMap<String, LibseccompVersion>> = LazyLock::new(|| {
    let table: Table = serde_json::from_str(include_str!("../../../profiles/libseccomp.json"))
        .expect("a unit test parses it");
    let mut since = BTreeMap::new();
    for release in table.releases {
        let version = release.version.parse().expect("a unit test parses it");
        since.extend(release.names.into_iter().map(|name| (name, version)));
    }
    since
});

/// The release that knew the name first; releases before 2.5.0 count as that one.
pub fn libseccomp_since(name: &str) -> Option<LibseccompVersion> {
    SINCE.get(name).copied()
}

/// Those of other architectures than ours too.
pub fn known_to_libseccomp() -> impl Iterator<Item = &'static str> {
    SINCE.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::{LibseccompVersion, known_to_libseccomp, libseccomp_since};

    #[test]
    fn names_are_known_since_a_release() {
        let since = |name| libseccomp_since(name).map(|version| version.to_string());
        assert_eq!(since("openat").as_deref(), Some("2.5.0"));
        assert_eq!(since("close_range").as_deref(), Some("2.5.2"));
        assert_eq!(since("fchmodat2").as_deref(), Some("2.5.5"));
        assert_eq!(since("file_getattr").as_deref(), Some("2.6.1"));
        assert_eq!(since("mount_points"), None);
        assert!(known_to_libseccomp().any(|name| name == "riscv_hwprobe"));
    }

    #[test]
    fn every_call_of_ours_is_known() {
        let unknown: Vec<&str> = crate::names::syscalls()
            .into_iter()
            .filter(|name| libseccomp_since(name).is_none())
            .collect();
        assert_eq!(unknown, Vec::<&str>::new());
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let version = |text: &str| text.parse::<LibseccompVersion>();
        assert!(version("2.5.10").unwrap() > version("2.5.9").unwrap());
        for wrong in ["", "2.5", "v2.5.4", "2.5.4.1", "2.5.x"] {
            let said = version(wrong).unwrap_err().to_string();
            assert!(said.contains("as in 2.5.4"), "{said}");
        }
    }
}
