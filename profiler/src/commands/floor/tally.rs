//! What was seen in how many starts: pure.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use profiler_common::{Abi, Phase};

use super::image::PROGRAM;
use super::stage::Shown;
use super::ways::Way;
use crate::generator::{MeasuredCall, Measurement};
use crate::kernel::{Facts, ProgramFacts};
use crate::names;
use crate::recording::Text;

/// What all starts together showed.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    pub(super) plain: Tally,
    pub(super) no_new_privileges: Tally,
    pub(super) init: Tally,
}

/// The starts of one mode, or those with an init.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By way.
    starts: BTreeMap<&'static str, u32>,
    calls: BTreeMap<String, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// By way.
    starts: BTreeMap<&'static str, u32>,
    by: BTreeSet<Text>,
}

/// The calls of one start, each with the thread that made it first, where that is known.
type Calls = BTreeMap<String, Option<Text>>;

impl Tallies {
    /// The calls that no start showed before.
    pub(super) fn add(&mut self, shown: &Shown) -> anyhow::Result<Vec<String>> {
        let runtime = of_runtime(&shown.facts);
        if runtime.is_empty() {
            bail!(
                "nothing is seen behind the filter; the engine has to have seccomp (`docker info`)"
            );
        }
        let mode = if shown.no_new_privileges {
            &mut self.no_new_privileges
        } else {
            &mut self.plain
        };
        let mut new = mode.add(shown.way, runtime);
        if shown.way.has_init {
            new.extend(self.init.add(shown.way, of_init(&shown.facts)));
        }
        Ok(new)
    }
}

impl Tally {
    fn add(&mut self, way: &Way, calls: Calls) -> Vec<String> {
        *self.starts.entry(way.name).or_default() += 1;
        let mut new = Vec::new();
        for (name, by) in calls {
            if !self.calls.contains_key(&name) {
                new.push(name.clone());
            }
            let seen = self.calls.entry(name).or_default();
            *seen.starts.entry(way.name).or_default() += 1;
            seen.by.extend(by);
        }
        new
    }

    pub(super) fn measurement(self) -> Measurement {
        let all = self.starts;
        let calls = self.calls.into_iter().map(|(name, seen)| {
            let call = MeasuredCall {
                starts: seen.starts.values().sum(),
                only: only(&seen.starts, &all),
                by: seen.by,
            };
            (name, call)
        });
        Measurement {
            calls: calls.collect(),
            starts: all.values().sum(),
        }
    }
}

/// The ways of which each start shows the call, where no other does: it is theirs. Else chance decides.
fn only(seen: &BTreeMap<&'static str, u32>, all: &BTreeMap<&'static str, u32>) -> BTreeSet<String> {
    let is_theirs = seen.iter().all(|(way, starts)| all[way] == *starts);
    let ways = seen.keys().filter(|_| is_theirs && seen.len() < all.len());
    ways.map(|&way| way.to_owned()).collect()
}

/// The container runtime's own.
fn of_runtime(facts: &Facts) -> Calls {
    calls(facts, |program| program.phase == Phase::Runtime)
}

/// Those of the engine's init: all that comes after, but for the program that it starts.
fn of_init(facts: &Facts) -> Calls {
    let ours = Some(Text::from(PROGRAM));
    calls(facts, |program| {
        program.phase == Phase::Workload && Text::from_c_bytes(&program.exe) != ours
    })
}

fn calls(facts: &Facts, is_meant: impl Fn(&ProgramFacts) -> bool) -> Calls {
    let mut calls = Calls::new();
    for program in facts.programs.iter().filter(|program| is_meant(program)) {
        for call in &program.calls {
            let firsts = program.first_seen.iter().filter(|first| {
                first.number == call.number && Abi::from_index(first.abi) == Some(call.abi)
            });
            let first = firsts.min_by_key(|first| first.time_ns);
            let by = first.and_then(|first| Text::from_c_bytes(&first.comm));
            calls.insert(names::syscall(call.abi, call.number), by);
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::{Calls, Tally};
    use crate::commands::floor::ways::WAYS;

    fn calls(names: &str) -> Calls {
        let names = names.split_whitespace();
        names.map(|name| (name.to_owned(), None)).collect()
    }

    #[test]
    fn a_call_of_one_way_is_told_from_one_by_chance() {
        let mut tally = Tally::default();
        let [one, other] = [&WAYS[0], &WAYS[2]];
        assert_eq!(tally.add(one, calls("close read")), ["close", "read"]);
        assert_eq!(tally.add(other, calls("close fchown")), ["fchown"]);
        assert_eq!(tally.add(one, calls("close futex")), ["futex"]);
        assert!(tally.add(other, calls("close fchown")).is_empty());
        let measured = tally.measurement();
        assert_eq!(measured.starts, 4);
        let of = |name: &str| {
            let call = &measured.calls[name];
            (call.starts, call.only.iter().map(String::as_str).collect())
        };
        assert_eq!(of("close"), (4, vec![]));
        assert_eq!(of("fchown"), (2, vec![other.name]));
        assert_eq!(of("futex"), (1, vec![]));
        assert_eq!(of("read"), (1, vec![]));
    }
}
