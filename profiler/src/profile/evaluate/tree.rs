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
struct Test {
    argument: usize,
    half: Half,
    kind: Kind,
    mask: u32,
    value: u32,
    /// Of the rule it was made for, which decides its place.
    operator: Operator,
    /// Both halves.
    whole: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Half {
    Low,
    High,
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

    pub(super) fn answer(&self, arguments: &[u64; 6]) -> Option<Answer> {
        self.0.iter().find_map(|node| {
            match if node.test.holds(arguments) {
                &node.yes
            } else {
                &node.no
            } {
                Branch::On => None,
                Branch::Answer(answer) => Some(*answer),
                Branch::Level(level) => level.answer(arguments),
            }
        })
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
        let narrower = new.test.half == Half::High && new.test.whole > self.test.whole;
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
            argument: usize::try_from(comparison.index).expect("an argument's index"),
            half,
            kind,
            mask: of(mask),
            value: of(whole & mask),
            operator: comparison.op,
            whole,
        }
    }

    fn holds(self, arguments: &[u64; 6]) -> bool {
        let argument = arguments[self.argument];
        let word = self.mask
            & match self.half {
                Half::Low => low(argument),
                Half::High => high(argument),
            };
        match self.kind {
            Kind::Equal | Kind::MaskedEqual => word == self.value,
            Kind::Greater => word > self.value,
            Kind::GreaterOrEqual => word >= self.value,
        }
    }

    fn asks_the_same_as(self, other: Self) -> bool {
        let asked = |test: Self| (test.argument, test.half, test.kind, test.mask, test.value);
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
            (test.argument, test.half, operator)
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
