//! What else may be called where a call was seen: by another libc, on another kernel or machine, on
//! another architecture (`profiles/equivalents.json`).
//!
//! Adds only what a line of the table says, and only calls that an architecture of the profile has.
//! The ways round a filter, and what is answered ENOSYS so that libcs fall back, are never added.

mod table;

pub use table::Kind;

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::{self, Ruled};
use super::input::{Call, Calls};
use super::syscalls::allowing;
use super::warning::Warning;
use crate::arguments::CATALOGUE;
use crate::names;
use crate::profile::Rule;
use crate::recording::ARCHITECTURES;
use crate::risk::{self, Class};
use table::{Carried, EQUIVALENTS, Line};

/// Machines that a profile is carried to where none is named: those of 64 bits whose calls take the
/// same arguments, but for a few.
const MACHINES: [&str; 3] = ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_RISCV64"];

/// Where the profile has to hold besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable<'a> {
    pub kinds: &'a [Kind],
    /// As seccomp names them; listed in the profile, and with what is called there instead.
    pub architectures: &'a [String],
}

impl Portable<'_> {
    fn has(self, kind: Kind) -> bool {
        self.kinds.contains(&kind) || kind == Kind::Arch && !self.architectures.is_empty()
    }

    /// Which the profile is carried to.
    fn machines(self) -> Vec<String> {
        if self.architectures.is_empty() && self.has(Kind::Arch) {
            MACHINES.map(str::to_owned).to_vec()
        } else {
            self.architectures.to_vec()
        }
    }
}

/// One of the table's: where any of `seen` was seen, or whatever was where that is empty, `add` may be
/// called.
#[derive(Debug)]
struct Equivalent {
    line: &'static Line,
    seen: &'static [String],
    add: &'static str,
}

/// What was added to the calls that were seen.
#[derive(Debug)]
pub(super) struct Added {
    machines: Vec<String>,
    /// All that count here.
    equivalents: Vec<Equivalent>,
    /// By the line that brought them first.
    names: Vec<(&'static Line, BTreeSet<&'static str>)>,
}

/// Arguments that an equivalent comes with: any, or these, each with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    Any,
    With(BTreeMap<Vec<u32>, &'static str>),
}

impl Stands {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::With(mut values), Self::With(more)) => {
                for (value, reason) in more {
                    values.entry(value).or_insert(reason);
                }
                Self::With(values)
            }
            _ => Self::Any,
        }
    }
}

impl Added {
    /// Makes the equivalents known to `calls`, until none brings another.
    pub(super) fn to(calls: &mut Calls, portable: Portable<'_>, listed: &[String]) -> Self {
        let machines = portable.machines();
        let all: Vec<&String> = listed.iter().chain(&machines).collect();
        let mut added = Self {
            equivalents: equivalents(portable, &all).collect(),
            machines,
            names: Vec::new(),
        };
        loop {
            let before = calls.named.len();
            for equivalent in &added.equivalents {
                let Equivalent { line, add, .. } = *equivalent;
                if !equivalent.is_met(calls) || calls.named.contains_key(add) {
                    continue;
                }
                calls.named.insert(add.to_owned(), Call::default());
                match added
                    .names
                    .iter_mut()
                    .find(|(known, _)| std::ptr::eq(*known, line))
                {
                    Some((_, names)) => {
                        names.insert(add);
                    }
                    None => added.names.push((line, BTreeSet::from([add]))),
                }
            }
            if calls.named.len() == before {
                return added;
            }
        }
    }

    /// Where arguments may mean something else: x86's architectures have them in common.
    pub(super) fn is_carried_to(&self, architecture: &str) -> bool {
        let is_ours = ARCHITECTURES.contains(&architecture);
        !is_ours && self.machines.iter().any(|name| name == architecture)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|(_, names)| names.contains(name))
    }

    /// Of what stands for another call, be it added or seen itself.
    pub(super) fn arguments(&self, calls: &Calls) -> BTreeMap<&'static str, Stands> {
        let mut all = BTreeMap::new();
        loop {
            let mut next: BTreeMap<&'static str, Stands> = all.clone();
            for equivalent in &self.equivalents {
                if let Some(stands) = equivalent.arguments(calls, self, &all) {
                    let both = match next.remove(equivalent.add) {
                        Some(known) => known.and(stands),
                        None => stands,
                    };
                    next.insert(equivalent.add, both);
                }
            }
            if next == all {
                return all;
            }
            all = next;
        }
    }

    /// What was added, in words.
    pub(super) fn price(&self) -> Option<Warning> {
        let mut classes: BTreeMap<Class, BTreeSet<String>> = BTreeMap::new();
        for name in self.names.iter().flat_map(|(_, names)| names) {
            let names = classes.entry(risk::of(name).class).or_default();
            names.insert((*name).to_owned());
        }
        (!classes.is_empty()).then_some(Warning::Portable { classes })
    }

    /// A rule for each line of the table that brought something.
    pub(super) fn rules(&self, ruled: &Ruled) -> Vec<Rule> {
        let mut all = Vec::new();
        for (line, names) in &self.names {
            let comment = format!("for portability: {}", line.reason);
            all.extend(allowing(names.iter().copied(), ruled, &comment));
        }
        all
    }
}

impl Equivalent {
    fn is_met(&self, calls: &Calls) -> bool {
        let mut others = self.seen.iter().filter(|&name| name != self.add);
        self.seen.is_empty() || others.any(|name| calls.named.contains_key(name))
    }

    /// `known`: what was found out of equivalents so far.
    fn arguments(
        &self,
        calls: &Calls,
        added: &Added,
        known: &BTreeMap<&'static str, Stands>,
    ) -> Option<Stands> {
        if !self.is_met(calls) {
            return None;
        }
        let seen = |name: &String| calls.named.get(name).filter(|call| call.is_seen());
        let reason = self.line.reason.as_str();
        let of = |name: &String| match (seen(name), CATALOGUE.call(name)) {
            (Some(call), Some(entry)) => Some(match arguments::seen(entry, call) {
                Ok(values) => {
                    let values = values.into_iter();
                    Stands::With(values.map(|values| (values.clone(), reason)).collect())
                }
                Err(_) => Stands::Any,
            }),
            _ if added.has(name) => known.get(name.as_str()).cloned(),
            // The container runtime's, of which no arguments were measured.
            _ => calls.named.contains_key(name).then_some(Stands::Any),
        };
        match self.line.arguments.get(self.add)? {
            // What is only an equivalent itself says nothing new.
            Carried::Any => {
                let mut others = self.seen.iter().filter(|&name| name != self.add);
                others.find_map(seen).map(|_| Stands::Any)
            }
            Carried::With(values) => {
                let values = values.iter().cloned();
                Some(Stands::With(
                    values.map(|values| (values, reason)).collect(),
                ))
            }
            Carried::As(names) => {
                let names = names.iter().filter(|name| self.seen.contains(name));
                names.filter_map(of).reduce(Stands::and)
            }
        }
    }
}

/// Those that were asked for, of calls that one of the machines has.
fn equivalents(portable: Portable<'_>, machines: &[&String]) -> impl Iterator<Item = Equivalent> {
    let is_on = |line: &Line, name: &str| {
        let only = &line.architectures;
        let mut machines = machines
            .iter()
            .filter(|machine| only.is_empty() || only.contains(machine));
        machines.any(|machine| names::exists(machine, name))
    };
    let lines = EQUIVALENTS.lines.iter();
    lines
        .filter(move |line| line.kinds.iter().any(|&kind| portable.has(kind)))
        .flat_map(|line| line.equivalents().map(move |(seen, add)| (line, seen, add)))
        .map(|(line, seen, add)| Equivalent { line, seen, add })
        .filter(move |equivalent| is_on(equivalent.line, equivalent.add))
}
