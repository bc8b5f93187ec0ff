//! Combinations of arguments as few comparisons: several patterns are alternatives, and within one
//! each argument is compared once, as libseccomp has it.
//!
//! What libseccomp makes of them now and then is another module's
//! ([`crate::profile::deviation`]): no way to write them prevents it.

use std::collections::{BTreeMap, BTreeSet};

use super::{ArgumentRule, Because};
use crate::arguments::{CATALOGUE, CatalogueArgument, CatalogueCall, Kind};
use crate::profile::{Comparison, Operator};

/// Of one argument: these bits must be so. No bits: any value will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    mask: u32,
    value: u32,
}

impl Test {
    const FREE: Self = Self { mask: 0, value: 0 };

    fn holds(self, value: u32) -> bool {
        value & self.mask == self.value
    }
}

/// A test for each argument of the catalogue's call. Ordered by how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    tests: Vec<Test>,
    origin: Origin,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Origin {
    is_seen: bool,
    /// Why it stands for what was seen.
    stands: BTreeSet<&'static str>,
    /// The catalogue's, for what it adds.
    reasons: BTreeSet<&'static str>,
}

/// What was seen, what `stands` for it (each with the reason), and what the catalogue adds. `None`:
/// too many different ones were seen.
pub(super) fn patterns(
    entry: &'static CatalogueCall,
    seen: &BTreeSet<&Vec<u32>>,
    stands: &BTreeMap<Vec<u32>, &'static str>,
) -> Option<Vec<Pattern>> {
    let mut groups: BTreeMap<Vec<Test>, (Vec<u32>, Origin)> = BTreeMap::new();
    let mut add = |values: &[u32], from: Origin| {
        let (tests, bits) = group_of(entry, values);
        let (flags, origin) = groups
            .entry(tests)
            .or_insert_with(|| (vec![0; bits.len()], Origin::default()));
        for (known, more) in flags.iter_mut().zip(bits) {
            *known |= more;
        }
        *origin = origin.with(&from);
    };
    for values in seen {
        add(values, Origin::seen());
    }
    for (values, reason) in stands {
        add(values, Origin::standing(reason));
    }
    for also in &entry.also {
        add(&also.values, Origin::harmless(&also.reason));
    }
    let is_asked = |origin: &Origin| origin.is_seen || !origin.stands.is_empty();
    let count = groups
        .values()
        .filter(|(_, origin)| is_asked(origin))
        .count();
    if count > CATALOGUE.most_combinations.count {
        return None;
    }
    let patterns: Vec<Pattern> = groups
        .into_iter()
        .map(|(tests, (flags, origin))| with_flags(entry, tests, &flags, origin))
        .collect();
    Some(shortened(entry, &patterns))
}

/// The tests of what is told apart, and the bits of what is united.
fn group_of(entry: &CatalogueCall, values: &[u32]) -> (Vec<Test>, Vec<u32>) {
    let value_of = |index: u8| {
        let mut all = entry.arguments.iter().zip(values);
        all.find_map(|(other, value)| (other.index == index).then_some(*value))
    };
    let of_each = entry.arguments.iter().zip(values);
    of_each
        .map(|(argument, &value)| {
            if !argument.counts(value_of) {
                (Test::FREE, u32::MAX)
            } else if argument.kind == Kind::Flags {
                (Test::FREE, value)
            } else {
                let mask = argument.mask;
                let value = value & mask;
                (Test { mask, value }, 0)
            }
        })
        .unzip()
}

fn with_flags(
    entry: &CatalogueCall,
    mut tests: Vec<Test>,
    flags: &[u32],
    origin: Origin,
) -> Pattern {
    for ((test, argument), bits) in tests.iter_mut().zip(&entry.arguments).zip(flags) {
        if argument.kind == Kind::Flags {
            *test = Test {
                mask: !bits,
                value: 0,
            };
        }
    }
    Pattern { tests, origin }
}

/// As few as say the same: two that differ in one bit of a mask are one without that bit, and one
/// that the others hold already is left out. Whole values are kept apart, to be read.
fn shortened(entry: &CatalogueCall, all: &[Pattern]) -> Vec<Pattern> {
    let mut shortest = Vec::new();
    let mut level = all.to_vec();
    while !level.is_empty() {
        let mut next: Vec<Pattern> = Vec::new();
        let mut is_part = vec![false; level.len()];
        for (one, left) in level.iter().enumerate() {
            for (other, right) in level.iter().enumerate().skip(one + 1) {
                let Some(both) = united(entry, left, right) else {
                    continue;
                };
                is_part[one] = true;
                is_part[other] = true;
                match next.iter_mut().find(|known| known.tests == both.tests) {
                    Some(known) => known.origin = known.origin.with(&both.origin),
                    None => next.push(both),
                }
            }
        }
        let kept = level.into_iter().zip(is_part);
        shortest.extend(kept.filter(|(_, part)| !part).map(|(pattern, _)| pattern));
        level = next;
    }
    // The narrowest first, as others may hold what they say.
    shortest.sort_by_key(|pattern| std::cmp::Reverse(pattern.width()));
    let mut index = 0;
    while index < shortest.len() {
        let held = |one: &Pattern| {
            let others = || (0..shortest.len()).filter(|&other| other != index);
            !shortest[index].holds(one) || others().any(|other| shortest[other].holds(one))
        };
        if all.iter().all(held) {
            shortest.remove(index);
        } else {
            index += 1;
        }
    }
    shortest.sort_by(|one, other| {
        let unseen =
            |pattern: &Pattern| (!pattern.origin.is_seen, pattern.origin.stands.is_empty());
        (unseen(one), &one.tests).cmp(&(unseen(other), &other.tests))
    });
    shortest
}

fn united(entry: &CatalogueCall, one: &Pattern, other: &Pattern) -> Option<Pattern> {
    let mut differing =
        (0..one.tests.len()).filter(|&index| one.tests[index] != other.tests[index]);
    let (at, None) = (differing.next()?, differing.next()) else {
        return None;
    };
    let (left, right) = (one.tests[at], other.tests[at]);
    let bit = left.value ^ right.value;
    let is_one_bit = left.mask == right.mask && bit.is_power_of_two();
    if entry.arguments[at].kind != Kind::Mask || !is_one_bit {
        return None;
    }
    let mut both = Pattern {
        tests: one.tests.clone(),
        origin: one.origin.with(&other.origin),
    };
    both.tests[at] = Test {
        mask: left.mask & !bit,
        value: left.value & !bit,
    };
    Some(both)
}

impl Origin {
    fn seen() -> Self {
        Self {
            is_seen: true,
            ..Self::default()
        }
    }

    fn standing(reason: &'static str) -> Self {
        Self {
            stands: BTreeSet::from([reason]),
            ..Self::default()
        }
    }

    fn harmless(reason: &'static str) -> Self {
        Self {
            reasons: BTreeSet::from([reason]),
            ..Self::default()
        }
    }

    fn because(&self) -> Because {
        let joined = |all: &BTreeSet<&str>| {
            let all: Vec<&str> = all.iter().copied().collect();
            all.join("; ")
        };
        if self.is_seen {
            Because::Call
        } else if self.stands.is_empty() {
            Because::Harmless(joined(&self.reasons))
        } else {
            Because::Portable(joined(&self.stands))
        }
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            is_seen: self.is_seen || other.is_seen,
            stands: self.stands.union(&other.stands).copied().collect(),
            reasons: self.reasons.union(&other.reasons).copied().collect(),
        }
    }
}

impl Pattern {
    pub(super) fn is_free(&self) -> bool {
        self.tests.iter().all(|test| test.mask == 0)
    }

    fn width(&self) -> u32 {
        self.tests.iter().map(|test| test.mask.count_ones()).sum()
    }

    /// Whether all that the other allows is allowed.
    fn holds(&self, other: &Self) -> bool {
        let mut pairs = self.tests.iter().zip(&other.tests);
        pairs.all(|(one, other)| one.mask & !other.mask == 0 && one.holds(other.value))
    }

    pub(super) fn rule(&self, entry: &CatalogueCall) -> ArgumentRule {
        let tests = || {
            let all = entry.arguments.iter().zip(&self.tests);
            all.filter(|(_, test)| test.mask != 0)
        };
        let comparisons = tests().map(|(argument, test)| Comparison {
            index: u32::from(argument.index),
            value: u64::from(test.mask),
            value_two: u64::from(test.value),
            op: Operator::MaskedEqual,
        });
        let words: Vec<String> = tests()
            .map(|(argument, &test)| words(argument, test))
            .collect();
        ArgumentRule {
            comparisons: comparisons.collect(),
            words: words.join(", "),
            because: self.origin.because(),
        }
    }
}

fn words(argument: &CatalogueArgument, Test { mask, value }: Test) -> String {
    let name = &argument.name;
    match argument.kind {
        Kind::Value if value < 0x1000 => format!("{name} {value}"),
        Kind::Value => format!("{name} {value:#x}"),
        Kind::Mask => format!("{name} & {mask:#x} = {value:#x}"),
        Kind::Flags => format!("{name} of {:#x}", !mask),
    }
}
