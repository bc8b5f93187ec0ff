//! Profiles that libseccomp compiles to something else than they say.
//!
//! Found by comparing 2.5.4 with the tree that its own rules make, over some 10^5 random sets of
//! rules: all that differed are named here, and some that do not differ.

use std::collections::BTreeSet;
use std::fmt;

use profiler_common::{Abi, X32_BIT};

use super::filter::{Filter, Rules, is_wide};
use super::places::Place;
use crate::names;
use crate::profile::interpret::high;
use crate::profile::{Comparison, Operator};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Two rules of a call compare the same argument, not both for equality, and one of them
    /// compares another argument too, or a value of more than 32 bits. libseccomp may then match
    /// what neither rule does, miss what one does, or not come to an end.
    MixedUp { call: String },
    /// No call that the architecture has goes without comparisons, and one that it lacks is named:
    /// libseccomp may then forget to load the call's number.
    NumberUnread { architecture: &'static str },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MixedUp { call } => write!(
                f,
                "libseccomp may mix up the rules for {call}: two of them compare the same argument, not only for equality; name the values, or compare one argument a rule"
            ),
            Self::NumberUnread { architecture } => write!(
                f,
                "libseccomp may compile a filter for {architecture} that never looks at the call: give a rule without args to a call that it has"
            ),
        }
    }
}

pub(super) fn doubts(filter: &Filter<'_>, abis: &[Abi]) -> Vec<Doubt> {
    let mixed_up = filter
        .compared
        .iter()
        .filter_map(|((abi, place), rules)| match *place {
            Place::Number(number) if may_be_mixed_up(rules, is_wide(*abi)) => {
                let number = i32::try_from(number & !X32_BIT).expect("a number of a table");
                let call = names::syscall(*abi, number);
                Some(Doubt::MixedUp { call })
            }
            _ => None,
        });
    let unread = TABLES
        .iter()
        .filter(|table| may_be_unread(filter, table, abis));
    let unread = unread.map(|table| Doubt::NumberUnread {
        architecture: names::architecture(table[0]),
    });
    let all: BTreeSet<Doubt> = mixed_up.chain(unread).collect();
    all.into_iter().collect()
}

/// What has one table in the program. That of x86_64 alone loads the number to tell x32 from it.
const TABLES: [&[Abi]; 2] = [&[Abi::X86_64, Abi::X32], &[Abi::I386]];

fn may_be_unread(filter: &Filter<'_>, table: &[Abi], abis: &[Abi]) -> bool {
    let own = || {
        filter
            .rules
            .iter()
            .filter(|((abi, _), _)| table.contains(abi))
    };
    let is_lacked = |((_, place), _): (&(Abi, Place<'_>), _)| matches!(place, Place::Nowhere(_));
    let is_plain = |((_, place), rules): (&(Abi, Place<'_>), &Rules)| {
        matches!((place, rules), (Place::Number(_), Rules::Always(_)))
    };
    let is_whole = table.iter().all(|abi| abis.contains(abi));
    is_whole && own().any(is_lacked) && !own().any(is_plain)
}

fn may_be_mixed_up(rules: &[Vec<Comparison>], wide: bool) -> bool {
    let by_equality = |one: &Comparison| matches!(one.op, Operator::Equal | Operator::MaskedEqual);
    let is_large = |one: &Comparison| wide && (high(one.value) != 0 || high(one.value_two) != 0);
    let clash = |a: &[Comparison], b: &[Comparison]| {
        let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
        let mut same = pairs.filter(|(x, y)| x.index == y.index);
        same.any(|(x, y)| {
            let unlike = !(by_equality(x) && by_equality(y));
            unlike && (a.len() > 1 || b.len() > 1 || is_large(x) || is_large(y))
        })
    };
    let earlier = |at: usize| rules[..at].iter();
    (0..rules.len()).any(|at| earlier(at).any(|other| clash(&rules[at], other)))
}
