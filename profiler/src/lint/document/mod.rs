//! A profile with the place of each word: all that Docker's parser, Podman's and the OCI
//! specification know.
//!
//! What cannot be read is told and left out, so that the rest is judged all the same. Engines read a
//! `null` as if it were not there, and so does this.

mod fields;
mod read;

use jsonc_parser::ast::Value;

use super::NotAProfile;
use super::finding::Found;
use super::place::Bytes;
use crate::profile::{self, Action, Answer};

/// A value, where it stands, and what to take out to be rid of it.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: Bytes,
    pub(super) removal: Bytes,
}

#[derive(Debug)]
pub(super) struct Document {
    pub(super) default_action: Option<Located<Action>>,
    pub(super) default_errno: Option<Located<u32>>,
    /// `None` where it could not be read whole.
    pub(super) default_answer: Option<Answer>,
    pub(super) architectures: Vec<Located<String>>,
    /// Where the list stands.
    pub(super) architectures_at: Option<Bytes>,
    pub(super) arch_map: Vec<ArchMapEntry>,
    pub(super) flags: Vec<Located<String>>,
    pub(super) listener_path: Option<Located<String>>,
    pub(super) listener_metadata: Option<Located<String>>,
    pub(super) rules: Vec<Rule>,
    /// Where what is not there is missing: the key of the rules, else the opening brace.
    pub(super) rules_at: Bytes,
}

#[derive(Debug)]
pub(super) struct ArchMapEntry {
    pub(super) at: Bytes,
    pub(super) architecture: Option<Located<String>>,
    pub(super) others: Vec<Located<String>>,
}

#[derive(Debug)]
pub(super) struct Rule {
    removal: Bytes,
    pub(super) names: Vec<Located<String>>,
    pub(super) action: Option<Located<Action>>,
    pub(super) errno: Option<Located<u32>>,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) includes: Conditions,
    pub(super) excludes: Conditions,
    /// `None` where the rule could not be read whole: nobody knows then what it says, and it is not
    /// held against others.
    pub(super) answer: Option<Answer>,
    /// Something was meant that no engine reads.
    pub(super) has_unread_key: bool,
}

#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) at: Bytes,
    /// Whether something for people stands in it.
    pub(super) has_remark: bool,
    pub(super) index: Located<u32>,
    pub(super) value: Option<Located<u64>>,
    pub(super) value_two: Option<Located<u64>>,
    pub(super) operator: Located<profile::Operator>,
}

/// Docker's, on a rule.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) capabilities: Vec<Located<String>>,
    /// As Docker names them: `amd64`.
    pub(super) architectures: Vec<Located<String>>,
    pub(super) min_kernel: Option<Located<String>>,
}

pub(super) fn read(value: &Value<'_>, found: &mut Vec<Found>) -> Result<Document, NotAProfile> {
    read::document(value, found)
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Conditions {
    fn eq(&self, other: &Self) -> bool {
        self.capabilities == other.capabilities
            && self.architectures == other.architectures
            && self.min_kernel == other.min_kernel
    }
}

impl Comparison {
    pub(super) fn compared_with(&self) -> u64 {
        self.value.as_ref().map_or(0, |value| value.value)
    }

    pub(super) fn second_value(&self) -> u64 {
        self.value_two.as_ref().map_or(0, |value| value.value)
    }
}

impl Conditions {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the runtime answers.
fn answer(action: Option<&Located<Action>>, errno: Option<&Located<u32>>) -> Option<Answer> {
    Some(Answer::new(action?.value, errno.map(|errno| errno.value)))
}

impl Rule {
    pub(super) fn lets_through(&self) -> bool {
        self.action
            .as_ref()
            .is_some_and(|action| action.value.lets_through())
    }

    /// Whether an engine takes it whatever the machine and the container are.
    pub(super) fn is_unconditional(&self) -> bool {
        self.includes.is_empty() && self.excludes.is_empty()
    }

    /// Whether it is there wherever `other` is.
    pub(super) fn is_there_with(&self, other: &Self) -> bool {
        self.is_unconditional()
            || (self.includes == other.includes && self.excludes == other.excludes)
    }

    /// To be rid of it. Where it may have been meant otherwise than it is read, that takes a decision.
    pub(super) fn removal(&self) -> Option<&Bytes> {
        (!self.has_unread_key).then_some(&self.removal)
    }

    /// To be rid of one of its names; of the last one with the rule.
    pub(super) fn removal_of<'r>(&'r self, name: &'r Located<String>) -> Option<&'r Bytes> {
        let whole = self.removal()?;
        Some(if self.names.len() == 1 {
            whole
        } else {
            &name.removal
        })
    }
}

impl Document {
    /// `None` where it is not said.
    pub(super) fn denies_by_default(&self) -> Option<bool> {
        let action = self.default_action.as_ref()?.value;
        Some(!action.lets_through())
    }

    /// Each name with its rule.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Rule, &Located<String>)> {
        self.rules
            .iter()
            .flat_map(|rule| rule.names.iter().map(move |name| (rule, name)))
    }
}
