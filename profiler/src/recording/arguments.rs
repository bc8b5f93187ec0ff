//! With which arguments calls were made.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::CatalogueArgument;

/// With which arguments a caller made a call, of those that `profiles/arguments.json` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// By index.
    pub noted: Vec<NotedArgument>,
    /// Every combination that was seen, sorted: a value for each noted argument.
    pub combinations: BTreeSet<Vec<u32>>,
    /// There were more than could be kept.
    pub overflowed: bool,
}

impl Arguments {
    /// Whether each combination has a value for each noted argument.
    pub(super) fn is_whole(&self) -> bool {
        let mut all = self.combinations.iter();
        all.all(|values| values.len() == self.noted.len())
    }
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct NotedArgument {
    /// 0 to 5.
    pub index: u8,
    /// The bits that were looked at.
    pub mask: u32,
}

/// As it is noted today.
impl From<&CatalogueArgument> for NotedArgument {
    fn from(argument: &CatalogueArgument) -> Self {
        Self {
            index: argument.index,
            mask: argument.mask,
        }
    }
}

impl Arguments {
    /// Of one caller's call at two times. `None`: at one of them nobody noted any. What only one
    /// noted (their catalogues differ) is left out, since of the other nothing is known.
    pub fn united(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (mut one, mut other) = (one?, other?);
        if one.noted != other.noted {
            let noted = common(&one.noted, &other.noted);
            one = one.only(&noted);
            other = other.only(&noted);
        }
        one.combinations.extend(other.combinations);
        one.overflowed |= other.overflowed;
        (!one.noted.is_empty()).then_some(one)
    }

    /// What of it these would have shown, which are all noted.
    fn only(&self, noted: &[NotedArgument]) -> Self {
        let values = |combination: &Vec<u32>| {
            let known = self.noted.iter().zip(combination);
            noted
                .iter()
                .filter_map(|wanted| {
                    let mut known = known.clone();
                    known.find_map(|(argument, value)| {
                        (argument.index == wanted.index).then_some(value & wanted.mask)
                    })
                })
                .collect()
        };
        Self {
            noted: noted.to_vec(),
            combinations: self.combinations.iter().map(values).collect(),
            overflowed: self.overflowed,
        }
    }
}

fn common(one: &[NotedArgument], other: &[NotedArgument]) -> Vec<NotedArgument> {
    let both = one.iter().filter_map(|one| {
        let other = other.iter().find(|other| other.index == one.index)?;
        Some(NotedArgument {
            index: one.index,
            mask: one.mask & other.mask,
        })
    });
    both.filter(|argument| argument.mask != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::{Arguments, NotedArgument};

    /// Index and mask of each argument, and the combinations.
    fn noted<const N: usize>(noted: [(u8, u32); N], combinations: &[[u32; N]]) -> Arguments {
        Arguments {
            noted: noted
                .map(|(index, mask)| NotedArgument { index, mask })
                .to_vec(),
            combinations: combinations.iter().map(|values| values.to_vec()).collect(),
            overflowed: false,
        }
    }

    fn united(one: &Arguments, other: &Arguments) -> Option<Arguments> {
        let both = Arguments::united(Some(one.clone()), Some(other.clone()));
        assert_eq!(
            Arguments::united(Some(other.clone()), Some(one.clone())),
            both
        );
        both
    }

    #[test]
    fn combinations_are_united() {
        let one = noted([(0, u32::MAX), (1, 7)], &[[1, 2], [1, 3]]);
        let other = noted([(0, u32::MAX), (1, 7)], &[[1, 3], [2, 3]]);
        let both = noted([(0, u32::MAX), (1, 7)], &[[1, 2], [1, 3], [2, 3]]);
        assert_eq!(united(&one, &other), Some(both));
        let overflowed = Arguments {
            overflowed: true,
            ..one.clone()
        };
        assert_eq!(united(&one, &overflowed), Some(overflowed));
    }

    #[test]
    fn what_one_did_not_note_is_not_known() {
        let one = noted([(0, u32::MAX), (1, 7)], &[[1, 2], [1, 3]]);
        assert_eq!(Arguments::united(Some(one.clone()), None), None);
        assert_eq!(Arguments::united(None, Some(one.clone())), None);
        // The first argument's lower bits are what both tell.
        let other = noted([(0, 0xff), (2, u32::MAX)], &[[0x11, 9]]);
        let both = noted([(0, 0xff)], &[[1], [0x11]]);
        assert_eq!(united(&one, &other), Some(both));
        assert_eq!(united(&one, &noted([(1, 8)], &[[8]])), None);
    }
}
