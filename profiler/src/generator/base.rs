//! A profile to begin from: what it says stays, what was seen is added.
//!
//! Where both speak of a call, what allows it wins: the result is for a subject that was seen to
//! need it.

use std::collections::BTreeSet;

use super::warning::{GenerateError, Warning};
use crate::profile::{Action, Profile, Rule};

/// A profile that refuses by default.
#[derive(Clone, Debug)]
pub struct Base {
    name: String,
    profile: Profile,
}

impl Base {
    /// `name` is what the user knows it by.
    pub fn new(name: String, profile: Profile) -> Result<Self, GenerateError> {
        if profile.default_action.lets_through() {
            return Err(GenerateError::BaseAllows { name });
        }
        Ok(Self { name, profile })
    }

    pub(super) fn default(&self) -> (Action, Option<u32>) {
        (self.profile.default_action, self.profile.default_errno_ret)
    }

    pub(super) fn architectures(&self) -> &[String] {
        &self.profile.architectures
    }

    /// Its rules, and those of `rules` that say more.
    pub(super) fn with(&self, rules: &[Rule]) -> (Vec<Rule>, Vec<Warning>) {
        let wholly = |all: &[Rule]| names(all, |rule| rule.lets_through() && rule.args.is_empty());
        let allowed = names(rules, Rule::lets_through);
        let wholly_allowed = wholly(rules);
        let mut refused = BTreeSet::new();
        let mut all: Vec<Rule> = self
            .profile
            .syscalls
            .iter()
            .filter_map(|rule| {
                without(rule, |name| {
                    if rule.lets_through() {
                        return !rule.args.is_empty() && wholly_allowed.contains(name);
                    }
                    let is_needed = allowed.contains(name);
                    if is_needed {
                        refused.insert(name.to_owned());
                    }
                    is_needed
                })
            })
            .map(|rule| self.explained(rule))
            .collect();

        let in_base = names(&self.profile.syscalls, |_| true);
        let wholly_in_base = wholly(&self.profile.syscalls);
        let more = rules.iter().filter_map(|rule| {
            without(rule, |name| {
                if rule.lets_through() {
                    wholly_in_base.contains(name)
                } else {
                    in_base.contains(name)
                }
            })
        });
        let unseen: BTreeSet<String> = names(&all, Rule::lets_through)
            .difference(&allowed)
            .cloned()
            .collect();
        all.extend(more);

        let name = || self.name.clone();
        let mut warnings = Vec::new();
        if !unseen.is_empty() {
            warnings.push(Warning::OnlyInBase {
                base: name(),
                names: unseen,
            });
        }
        if !refused.is_empty() {
            warnings.push(Warning::RefusedByBase {
                base: name(),
                names: refused,
            });
        }
        (all, warnings)
    }

    fn explained(&self, rule: Rule) -> Rule {
        let comment = rule.comment.filter(|comment| !comment.is_empty());
        let comment = comment.or_else(|| Some(format!("of the base profile {}", self.name)));
        Rule { comment, ..rule }
    }
}

fn names(rules: &[Rule], of: impl Fn(&Rule) -> bool) -> BTreeSet<String> {
    let rules = rules.iter().filter(|rule| of(rule));
    rules.flat_map(|rule| rule.names.iter().cloned()).collect()
}

/// `None` where no name is left.
fn without(rule: &Rule, mut is_out: impl FnMut(&str) -> bool) -> Option<Rule> {
    let names = rule.names.iter().filter(|name| !is_out(name));
    let names: Vec<String> = names.cloned().collect();
    (!names.is_empty()).then(|| Rule {
        names,
        ..rule.clone()
    })
}
