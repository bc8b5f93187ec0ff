//! How dangerous a call is, should whoever makes it mean harm (`profiles/risk.json`).
//!
//! A judgement for people, and to rank by. It allows and refuses nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// From mild to grave; what each means stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Low,
    Medium,
    High,
    Critical,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    pub fn meaning(self) -> &'static str {
        &TABLE.classes[&self]
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    pub class: Class,
    /// What the call does for an attacker; follows its name in a sentence.
    pub gains: &'static str,
    /// Which the kernel asks for in the host's own user namespace, where it asks for one.
    pub capability: Option<&'static str>,
}

/// Of any name; one that nobody has judged is no harmless one.
pub fn of(call: &str) -> Risk {
    match BY_CALL.get(call) {
        Some(group) => Risk {
            class: group.class,
            gains: &group.gains,
            capability: group.capability.as_deref(),
        },
        None => Risk {
            class: TABLE.unlisted.class,
            gains: &TABLE.unlisted.gains,
            capability: None,
        },
    }
}

/// Faults of the kernel that could be reached by the call.
pub fn cves(call: &str) -> impl Iterator<Item = &'static str> {
    let reached = move |cve: &&Cve| cve.calls.iter().any(|name| name == call);
    TABLE.cves.iter().filter(reached).map(|cve| cve.id.as_str())
}

/// A fault of the kernel, and the calls by any of which it could be reached.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// `CVE-…`
    pub id: &'static str,
    pub calls: &'static [String],
}

/// All that stand in the table.
pub fn faults() -> impl Iterator<Item = Fault> {
    TABLE.cves.iter().map(|cve| Fault {
        id: &cve.id,
        calls: &cve.calls,
    })
}

/// Whether Docker's default profile allows the call, be it with some arguments only, to a
/// container with the default capabilities.
pub fn docker_allows(call: &str) -> bool {
    let refuses = &TABLE.docker_default.refuses;
    BY_CALL.contains_key(call) && !refuses.iter().any(|name| name == call)
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../profiles/risk.json")).expect("a unit test parses it")
});

static BY_CALL: LazyLock<BTreeMap<&str, &Group>> = LazyLock::new(|| {
    let groups = TABLE.calls.iter();
    groups
        .flat_map(|group| group.calls.iter().map(move |call| (call.as_str(), group)))
        .collect()
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "about")]
    _about: String,
    classes: BTreeMap<Class, String>,
    unlisted: Unlisted,
    calls: Vec<Group>,
    #[serde(rename = "cves_about")]
    _cves_about: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    cves_sources: BTreeMap<String, String>,
    cves: Vec<Cve>,
    docker_default: DockerDefault,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unlisted {
    class: Class,
    gains: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    calls: Vec<String>,
    class: Class,
    capability: Option<String>,
    gains: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cve {
    id: String,
    calls: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DockerDefault {
    #[serde(rename = "about")]
    _about: String,
    #[serde(rename = "source")]
    _source: String,
    refuses: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{BY_CALL, Class, TABLE, cves, docker_allows, of};
    use crate::names::{CAPABILITIES, known_to_libseccomp, syscalls};

    /// A file of the kernel at a version.
    fn is_permalink(source: &str) -> bool {
        let at = source.strip_prefix("https://github.com/torvalds/linux/blob/v");
        at.and_then(|at| at.split_once('/'))
            .is_some_and(|(version, path)| {
                version.split('.').all(|part| part.parse::<u32>().is_ok()) && path.contains('.')
            })
    }

    fn is_cve(id: &str) -> bool {
        let numbers = id.strip_prefix("CVE-").and_then(|id| id.split_once('-'));
        numbers.is_some_and(|(year, number)| {
            year.len() == 4
                && number.len() >= 4
                && [year, number].iter().all(|n| n.parse::<u32>().is_ok())
        })
    }

    #[test]
    fn every_call_is_judged_once() {
        let known: BTreeSet<&str> = known_to_libseccomp().chain(syscalls()).collect();
        let judged: BTreeSet<&str> = BY_CALL.keys().copied().collect();
        assert_eq!(judged, known);
        let count: usize = TABLE.calls.iter().map(|group| group.calls.len()).sum();
        assert_eq!(judged.len(), count, "a call stands there twice");
    }

    #[test]
    fn every_judgement_has_its_reason_and_where_it_was_read() {
        for group in &TABLE.calls {
            assert!(!group.calls.is_empty() && !group.gains.is_empty());
            assert!(!group.gains.ends_with('.'), "{}", group.gains);
            assert!(is_permalink(&group.source), "{}", group.source);
            if let Some(capability) = &group.capability {
                assert!(CAPABILITIES.contains(&capability.as_str()), "{capability}");
            }
        }
        assert!(Class::ALL.iter().all(|class| !class.meaning().is_empty()));
    }

    #[test]
    fn every_fault_has_its_number_calls_and_source() {
        let mut ids = BTreeSet::new();
        for cve in &TABLE.cves {
            assert!(is_cve(&cve.id), "{}", cve.id);
            assert!(ids.insert(&cve.id), "{} stands there twice", cve.id);
            assert!(!cve.calls.is_empty());
            for call in &cve.calls {
                assert!(BY_CALL.contains_key(call.as_str()), "{call}");
            }
            assert!(TABLE.cves_sources.contains_key(&cve.source));
        }
        assert_eq!(
            cves("bpf").chain(cves("mount")).collect::<Vec<_>>(),
            ["CVE-2016-2383", "CVE-2014-5207"]
        );
        assert_eq!(cves("getpid").count(), 0);
    }

    #[test]
    fn docker_is_told_to_refuse_calls_that_exist() {
        let refuses = &TABLE.docker_default.refuses;
        assert!(refuses.is_sorted());
        assert!(
            refuses
                .iter()
                .all(|call| BY_CALL.contains_key(call.as_str()))
        );
        assert!(docker_allows("socket") && docker_allows("ptrace"));
        assert!(!docker_allows("unshare") && !docker_allows("no_such_call"));
    }

    #[test]
    fn what_nobody_has_judged_is_not_harmless() {
        assert_eq!(of("read").class, Class::Low);
        assert_eq!(of("init_module").capability, Some("CAP_SYS_MODULE"));
        for name in ["no_such_call", "1000"] {
            assert_eq!(of(name).class, Class::High);
        }
        assert!(Class::Critical > Class::High);
        assert_eq!(Class::Critical.to_string(), "critical");
    }
}
