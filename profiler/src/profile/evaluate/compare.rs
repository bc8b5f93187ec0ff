//! What two filters answer to a call, whatever its arguments: every pair of answers that there is,
//! each with arguments that bring it about.
//!
//! Exact: of a word of an argument only that counts which tests of both trees hold for it. Bit by
//! bit, from the highest on, the values fall into as many classes as there are outcomes; one value
//! stands for each. Words are chosen only where an answer depends on them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::tree::{Known, Level, Test, Word};
use super::{Evaluator, SeccompData};
use crate::profile::Answer;

/// The older filter's answer and the newer one's, with the arguments that they depend on.
pub type Pairs = BTreeMap<(Answer, Answer), [Option<u64>; 6]>;

/// Rules that a person writes, or `generate`, come to hundreds.
const MOST: usize = 1 << 16;

/// The rules of a call have more outcomes than can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many masks and ranges are compared with one argument")]
pub struct TooMany;

/// What is answered to a call: at once, or by its arguments.
pub(super) enum Ruled<'a> {
    Answer(Answer),
    Where(&'a Level, Answer),
}

impl Ruled<'_> {
    /// The word that has to be known besides.
    pub(super) fn answer(&self, known: &Known) -> Result<Answer, Word> {
        match self {
            Self::Answer(answer) => Ok(*answer),
            Self::Where(tree, default) => Ok(tree.answer(known)?.unwrap_or(*default)),
        }
    }

    fn tests(&self, of: Word) -> Vec<Test> {
        let mut found = Vec::new();
        if let Self::Where(tree, _) = self {
            tree.tests(of, &mut found);
        }
        found
    }
}

impl Evaluator {
    /// `call`: its arguments do not matter.
    pub fn pairs(&self, newer: &Self, call: &SeccompData) -> Result<Pairs, TooMany> {
        let mut search = Search {
            older: self.ruled(call),
            newer: newer.ruled(call),
            values: BTreeMap::new(),
            pairs: Pairs::new(),
            looked: 0,
        };
        search.look(&mut Known::default())?;
        Ok(search.pairs)
    }
}

struct Search<'a> {
    older: Ruled<'a>,
    newer: Ruled<'a>,
    values: BTreeMap<Word, Vec<u32>>,
    pairs: Pairs,
    looked: usize,
}

impl Search<'_> {
    fn look(&mut self, known: &mut Known) -> Result<(), TooMany> {
        self.looked += 1;
        if self.looked > MOST {
            return Err(TooMany);
        }
        let word = match (self.older.answer(known), self.newer.answer(known)) {
            (Ok(older), Ok(newer)) => {
                let pair = self.pairs.entry((older, newer));
                pair.or_insert_with(|| known.arguments());
                return Ok(());
            }
            (Err(word), _) | (_, Err(word)) => word,
        };
        for value in self.values(word)? {
            known.set(word, Some(value));
            self.look(known)?;
        }
        known.set(word, None);
        Ok(())
    }

    /// One of each class.
    fn values(&mut self, word: Word) -> Result<Vec<u32>, TooMany> {
        if let Some(values) = self.values.get(&word) {
            return Ok(values.clone());
        }
        let tests = [self.older.tests(word), self.newer.tests(word)].concat();
        let values = classes(&tests)?;
        self.values.insert(word, values.clone());
        Ok(values)
    }
}

/// Values of one word, so that whatever set of `tests` holds for any value holds for one of them.
fn classes(tests: &[Test]) -> Result<Vec<u32>, TooMany> {
    let undecided = vec![Ordering::Equal; tests.len()];
    let mut classes = BTreeMap::from([(undecided, 0)]);
    for bit in (0..u32::BITS).rev() {
        let mut longer = BTreeMap::new();
        for (so_far, value) in &classes {
            for digit in [0, 1] {
                let both = tests.iter().zip(so_far);
                let now = both.map(|(test, so_far)| test.compared(*so_far, bit, digit));
                longer
                    .entry(now.collect::<Vec<_>>())
                    .or_insert(value | digit << bit);
            }
        }
        if longer.len() > MOST {
            return Err(TooMany);
        }
        classes = longer;
    }
    Ok(classes.into_values().collect())
}

#[cfg(test)]
mod tests;
