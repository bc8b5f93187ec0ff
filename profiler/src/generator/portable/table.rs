//! The table of equivalents (`profiles/equivalents.json`), parsed once.

use std::collections::BTreeMap;
use std::slice;
use std::sync::LazyLock;

use serde::Deserialize;

pub(super) static EQUIVALENTS: LazyLock<Equivalents> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../profiles/equivalents.json"))
        .expect("a unit test parses it")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Equivalents {
    #[serde(rename = "about")]
    _about: String,
    pub(super) lines: Vec<Line>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    left_out: Vec<LeftOut>,
}

/// What differs elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Libc,
    /// An older kernel, or another machine.
    Kernel,
    Arch,
}

/// What may be called instead, in one of two forms.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) kinds: Vec<Kind>,
    /// Only for these; empty: for all.
    #[serde(default)]
    pub(super) architectures: Vec<String>,
    #[serde(default)]
    pairs: BTreeMap<String, Vec<String>>,
    seen: Option<Vec<String>>,
    add: Option<Vec<String>>,
    #[serde(default)]
    pub(super) arguments: BTreeMap<String, Carried>,
    #[serde(rename = "since")]
    _since: Option<String>,
    pub(super) reason: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
    source: String,
}

/// With which arguments an equivalent is made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Carried {
    Any,
    /// Those of these calls, which have them in the same order.
    As(Vec<String>),
    With(Vec<Vec<u32>>),
}

/// Calls that newer libcs probe for, and that are never added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "for people and the unit test"))]
struct LeftOut {
    calls: Vec<String>,
    reason: String,
}

impl Line {
    /// Each call that may be made, with those of which any one brings it; none: whatever was seen.
    pub(super) fn equivalents(&self) -> impl Iterator<Item = (&[String], &str)> {
        let pairs = self.pairs.iter();
        let pairs = pairs.map(|(seen, add)| (slice::from_ref(seen), add.as_slice()));
        let group = self.seen.as_deref();
        let group = group.map(|seen| (seen, self.add.as_deref().unwrap_or(seen)));
        pairs
            .chain(group)
            .flat_map(|(seen, add)| add.iter().map(move |name| (seen, name.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Carried, EQUIVALENTS, Kind};
    use crate::arguments::{CATALOGUE, CatalogueCall};
    use crate::generator::WAYS_ROUND;
    use crate::generator::tables::ANSWERS;
    use crate::names::{exists, known_to_libseccomp};

    #[test]
    fn every_line_has_its_reason_and_names_calls() {
        let known: BTreeSet<&str> = known_to_libseccomp().collect();
        for line in &EQUIVALENTS.lines {
            assert!(!line.kinds.is_empty() && !line.reason.is_empty());
            assert!(line.source.starts_with("https://"), "{}", line.reason);
            assert_ne!(line.pairs.is_empty(), line.seen.is_none(), "{line:?}");
            assert!(line.equivalents().next().is_some(), "{line:?}");
            for (seen, add) in line.equivalents() {
                assert!(known.contains(add), "{add}");
                assert!(seen.iter().all(|name| known.contains(name.as_str())));
            }
        }
        for kind in [Kind::Libc, Kind::Kernel, Kind::Arch] {
            assert!(EQUIVALENTS.lines.iter().any(|l| l.kinds.contains(&kind)));
        }
    }

    /// What is answered ENOSYS is fallen back from, and clone3 and io_uring are ways round a filter.
    /// Only where an architecture has nothing else such a call is added, for that one.
    #[test]
    fn what_is_answered_is_not_added() {
        let groups = ANSWERS.groups.iter();
        let answered: BTreeSet<&str> = groups
            .flat_map(|group| &group.calls)
            .map(|call| call.name.as_str())
            .collect();
        let mut exceptions = Vec::new();
        for line in &EQUIVALENTS.lines {
            for (seen, add) in line.equivalents() {
                assert!(!WAYS_ROUND.contains(&add));
                if answered.contains(add) {
                    let [only] = &line.architectures[..] else {
                        panic!("{add} is answered ENOSYS: {line:?}")
                    };
                    assert!(seen.iter().any(|name| !exists(only, name)));
                    exceptions.push((only.as_str(), add));
                }
            }
        }
        assert_eq!(exceptions, [("SCMP_ARCH_RISCV64", "renameat2")]);
        for left in &EQUIVALENTS.left_out {
            assert!(!left.reason.is_empty());
            for call in &left.calls {
                assert!(answered.contains(call.as_str()), "{call}");
            }
        }
    }

    fn shape(entry: &CatalogueCall) -> Vec<(u32, &str)> {
        let arguments = entry.arguments.iter();
        arguments.map(|a| (a.mask, a.name.as_str())).collect()
    }

    /// So that none is allowed with any by oversight.
    #[test]
    fn arguments_are_said_of_every_call_that_has_rules_of_them() {
        for line in &EQUIVALENTS.lines {
            let added: BTreeSet<&str> = line.equivalents().map(|(_, add)| add).collect();
            for add in &added {
                let has_rules = CATALOGUE.call(add).is_some();
                assert_eq!(
                    has_rules,
                    line.arguments.contains_key(*add),
                    "{add}: {line:?}"
                );
            }
            for (name, carried) in &line.arguments {
                assert!(added.contains(name.as_str()), "{name}: {line:?}");
                let entry = CATALOGUE.call(name).unwrap();
                match carried {
                    Carried::Any => {}
                    Carried::As(others) => {
                        for other in others {
                            let other = CATALOGUE.call(other).unwrap();
                            assert_eq!(shape(entry), shape(other), "{name}");
                        }
                    }
                    Carried::With(values) => {
                        assert!(!values.is_empty() || !entry.also.is_empty(), "{name}");
                        let count = entry.arguments.len();
                        assert!(values.iter().all(|one| one.len() == count), "{name}");
                    }
                }
            }
        }
    }
}
