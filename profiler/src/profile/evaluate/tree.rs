//! What the conditional rules of one call come to: a tree of comparisons of 32-bit words.
//!
//! A filter can only compare 32 bits at once, so libseccomp splits the rules of a 64-bit
//! architecture into the two halves of each argument, and merges what rules begin with in common.
//! Of rules that overlap the one earlier in the tree answers: the later argument before the
//! earlier, equality before order, then the narrower range
//! (<https://github.com/seccomp/libseccomp/blob/v2.5.4/src/db.c>). In what order they were added
//! matters little, and only between different answers.

use std::cmp::Ordering;

use super::super::interpret::{high, low};
use super::super::{Answer, Comparison, Operator};

/// Rules that say different things of the same: libseccomp's EEXIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conflict;

/// Looked at in order; the first that answers, answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Level(Vec<Node>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    test: Test,
    yes: Branch,
    no: Branch,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Branch {
    /// To the next node of this level; after the last one, of the level above.
    On,
    Answer(Answer),
    Level(Level),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Test {
    word: Word,
    kind: Kind,
    mask: u32,
    value: u32,
    /// Of the rule it was made for, which decides its place.
    operator: Operator,
    /// Both halves.
    whole: u64,
}

/// A half of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    argument: usize,
    half: Half,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Half {
    Low,
    High,
}

/// Arguments, as far as they are known: the lower half of each, and the upper one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known([[Option<u32>; 2]; 6]);

impl Known {
    pub(super) fn all(arguments: &[u64; 6]) -> Self {
        Self(arguments.map(|argument| [Some(low(argument)), Some(high(argument))]))
    }

    pub(super) fn set(&mut self, word: Word, value: Option<u32>) {
        self.0[word.argument][word.half as usize] = value;
    }

    fn get(&self, word: Word) -> Result<u32, Word> {
        self.0[word.argument][word.half as usize].ok_or(word)
    }

    /// Of one of which a half is known the other is 0.
    pub(super) fn arguments(&self) -> [Option<u64>; 6] {
        self.0.map(|[low, high]| {
            low.or(high)?;
            let half = |half: Option<u32>| u64::from(half.unwrap_or(0));
            Some(half(high) << 32 | half(low))
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Equal,
    MaskedEqual,
    Greater,
    GreaterOrEqual,
}

impl Level {
    /// Of one rule. `comparisons`: in the order of arguments, not empty; `wide`: whether the
    /// architecture has 64-bit arguments.
    pub(super) fn of(comparisons: &[Comparison], answer: Answer, wide: bool) -> Self {
        let rest = Branch::Answer(answer);
        let tree = comparisons.iter().rev().fold(rest, |rest, comparison| {
            Branch::Level(if wide {
                both_halves(comparison, rest)
            } else {
                low_half(comparison, rest)
            })
        });
        match tree {
            Branch::Level(level) => level,
            _ => Self::default(),
        }
    }

    /// The word that has to be known besides.
    pub(super) fn answer(&self, known: &Known) -> Result<Option<Answer>, Word> {
        for node in &self.0 {
            let branch = if node.test.holds(known)? {
                &node.yes
            } else {
                &node.no
            };
            let answer = match branch {
                Branch::On => None,
                Branch::Answer(answer) => Some(*answer),
                Branch::Level(level) => level.answer(known)?,
            };
            if answer.is_some() {
                return Ok(answer);
            }
        }
        Ok(None)
    }

    /// Those that ask about `word`.
    pub(super) fn tests(&self, word: Word, found: &mut Vec<Test>) {
        for node in &self.0 {
            if node.test.word == word {
                found.push(node.test);
            }
            for branch in [&node.yes, &node.no] {
                if let Branch::Level(level) = branch {
                    level.tests(word, found);
                }
            }
        }
    }

    /// `rule`: of one rule.
    pub(super) fn merge(&mut self, rule: Self) -> Result<(), Conflict> {
        for node in rule.0 {
            self.insert(node)?;
        }
        Ok(())
    }

    fn insert(&mut self, new: Node) -> Result<(), Conflict> {
        for (at, old) in self.0.iter_mut().enumerate() {
            if old.test.asks_the_same_as(new.test) {
                return old.join(new);
            }
            if old.test.precedence(new.test) == Ordering::Less {
                self.0.insert(at, new);
                return Ok(());
            }
        }
        self.0.push(new);
        Ok(())
    }

    fn only_answers(&self, answer: Answer) -> bool {
        let is = |branch: &Branch| match branch {
            Branch::On => true,
            Branch::Answer(own) => *own == answer,
            Branch::Level(level) => level.only_answers(answer),
        };
        self.0.iter().all(|node| is(&node.yes) && is(&node.no))
    }
}

impl Node {
    fn join(&mut self, new: Self) -> Result<(), Conflict> {
        let is_last = self.is_last() || new.is_last();
        // The wider range came first; above its half the narrower one answers too.
        let narrower = new.test.word.half == Half::High && new.test.whole > self.test.whole;
        answer(&mut self.yes, &new.yes, is_last, narrower)?;
        answer(&mut self.no, &new.no, is_last, false)?;
        // A shorter rule is there already, and libseccomp looks no further.
        if let (Branch::Answer(_), Branch::Level(_)) = (&self.yes, &new.yes) {
            return Ok(());
        }
        grow(&mut self.yes, new.yes)?;
        grow(&mut self.no, new.no)
    }

    fn is_last(&self) -> bool {
        let goes_on = |branch: &Branch| matches!(branch, Branch::Level(_));
        !goes_on(&self.yes) && !goes_on(&self.no)
    }
}

/// Where the new rule ends here.
fn answer(old: &mut Branch, new: &Branch, is_last: bool, narrower: bool) -> Result<(), Conflict> {
    let &Branch::Answer(new) = new else {
        return Ok(());
    };
    match old {
        Branch::Answer(own) if *own == new => Ok(()),
        Branch::Answer(_) if is_last => Err(Conflict),
        Branch::Answer(own) => {
            if narrower {
                *own = new;
            }
            Ok(())
        }
        Branch::Level(level) if !level.only_answers(new) => Err(Conflict),
        Branch::Level(_) | Branch::On => {
            *old = Branch::Answer(new);
            Ok(())
        }
    }
}

/// Where the new rule goes on.
fn grow(old: &mut Branch, new: Branch) -> Result<(), Conflict> {
    match (&mut *old, new) {
        (Branch::Level(level), Branch::Level(new)) => level.merge(new),
        (Branch::On, new @ Branch::Level(_)) => {
            *old = new;
            Ok(())
        }
        _ => Ok(()),
    }
}

impl Test {
    fn new(comparison: &Comparison, half: Half, kind: Kind) -> Self {
        let (mask, whole) = match comparison.op {
            Operator::MaskedEqual => (comparison.value, comparison.value_two),
            _ => (u64::MAX, comparison.value),
        };
        let of = |value| match half {
            Half::Low => low(value),
            Half::High => high(value),
        };
        Self {
            word: Word {
                argument: usize::try_from(comparison.index).expect("an argument's index"),
                half,
            },
            kind,
            mask: of(mask),
            value: of(whole & mask),
            operator: comparison.op,
            whole,
        }
    }

    fn holds(self, known: &Known) -> Result<bool, Word> {
        let word = match self.mask {
            0 => 0,
            mask => mask & known.get(self.word)?,
        };
        Ok(match self.kind {
            Kind::Equal | Kind::MaskedEqual => word == self.value,
            Kind::Greater => word > self.value,
            Kind::GreaterOrEqual => word >= self.value,
        })
    }

    /// How a word compares whose bits above `bit` compared as `so_far`, with `digit` for that bit.
    /// What is unlike is greater where only equality counts.
    pub(super) fn compared(self, so_far: Ordering, bit: u32, digit: u32) -> Ordering {
        let at = |word: u32| word >> bit & 1;
        let now = match at(self.mask) {
            0 => so_far,
            _ => so_far.then(digit.cmp(&at(self.value))),
        };
        match self.kind {
            Kind::Equal | Kind::MaskedEqual if now.is_ne() => Ordering::Greater,
            _ => now,
        }
    }

    fn asks_the_same_as(self, other: Self) -> bool {
        let asked = |test: Self| (test.word, test.kind, test.mask, test.value);
        asked(self) == asked(other)
    }

    /// The greater comes first.
    fn precedence(self, other: Self) -> Ordering {
        let rank = |test: Self| {
            let operator = match test.operator {
                Operator::Equal | Operator::NotEqual | Operator::MaskedEqual => 3,
                Operator::Less | Operator::LessOrEqual => 2,
                Operator::Greater | Operator::GreaterOrEqual => 1,
            };
            (test.word, operator)
        };
        let value = self.value.cmp(&other.value);
        rank(self).cmp(&rank(other)).then(match self.operator {
            Operator::Less | Operator::LessOrEqual => value.reverse(),
            _ => value,
        })
    }
}

fn node(test: Test, yes: Branch, no: Branch) -> Level {
    Level(vec![Node { test, yes, no }])
}

/// `rest`: where the comparison holds.
fn low_half(comparison: &Comparison, rest: Branch) -> Level {
    let (kind, negated) = match comparison.op {
        Operator::Equal => (Kind::Equal, false),
        Operator::NotEqual => (Kind::Equal, true),
        Operator::MaskedEqual => (Kind::MaskedEqual, false),
        Operator::Greater => (Kind::Greater, false),
        Operator::LessOrEqual => (Kind::Greater, true),
        Operator::GreaterOrEqual => (Kind::GreaterOrEqual, false),
        Operator::Less => (Kind::GreaterOrEqual, true),
    };
    let test = Test::new(comparison, Half::Low, kind);
    if negated {
        node(test, Branch::On, rest)
    } else {
        node(test, rest, Branch::On)
    }
}

fn both_halves(comparison: &Comparison, rest: Branch) -> Level {
    let low = Branch::Level(low_half(comparison, rest.clone()));
    let test = |kind| Test::new(comparison, Half::High, kind);
    let beyond = |no| Branch::Level(node(test(Kind::Equal), low.clone(), no));
    match comparison.op {
        Operator::Equal => node(test(Kind::Equal), low, Branch::On),
        Operator::MaskedEqual => node(test(Kind::MaskedEqual), low, Branch::On),
        Operator::NotEqual => node(test(Kind::Equal), low, rest),
        Operator::Greater | Operator::GreaterOrEqual => {
            node(test(Kind::Greater), rest, beyond(Branch::On))
        }
        Operator::Less | Operator::LessOrEqual => {
            node(test(Kind::Greater), Branch::On, beyond(rest))
        }
    }
}
