//! Rules that repeat, cover or contradict each other.
//!
//! libseccomp lets a rule without comparisons win over those with, whichever comes first, and the
//! first of two without; rules that repeat the default are skipped by runtimes, so they cover nothing.

use std::collections::BTreeMap;

use crate::lint::document::{Comparison, Document, Located, Rule};
use crate::lint::finding::Found;
use crate::lint::rules::RuleId;
use crate::lint::words::quoted;

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    let default = document.default_answer();
    let mut by_name: BTreeMap<&str, Vec<(&Rule, &Located<String>)>> = BTreeMap::new();
    for (rule, name) in document.entries() {
        let answer = rule.answer();
        if answer.is_some() && answer != default {
            by_name.entry(&name.value).or_default().push((rule, name));
        }
    }
    for entries in by_name.values() {
        for (index, &(rule, name)) in entries.iter().enumerate() {
            let before = &entries[..index];
            let others = || entries.iter().map(|(other, _)| *other);
            let found_one = repeats(rule, name, before).or_else(|| covered(rule, name, others()));
            found.extend(found_one);
        }
    }
    for rule in &document.rules {
        found.extend(rule.comparisons.iter().enumerate().filter_map(|(index, one)| {
            let repeated = |other: &Comparison| other.index == one.index;
            let is_second = rule.comparisons[..index].iter().any(repeated);
            is_second.then(|| {
                let index = one.index.value;
                let message = format!("argument {index} is compared twice in a rule: it holds where either comparison does, not both");
                Found::new(RuleId::EitherNotBoth, &one.at, message)
            })
        }));
    }
}

fn same_arguments(one: &Rule, other: &Rule) -> bool {
    one.comparisons.len() == other.comparisons.len()
        && one
            .comparisons
            .iter()
            .all(|c| other.comparisons.contains(c))
}

fn repeats(
    rule: &Rule,
    name: &Located<String>,
    before: &[(&Rule, &Located<String>)],
) -> Option<Found> {
    let (first, _) = before
        .iter()
        .find(|(other, _)| same_arguments(rule, other) && other.is_there_with(rule))?;
    let shown = quoted(&name.value);
    if first.answer() == rule.answer() {
        let message = format!("a rule for {shown} says the same already");
        let found = Found::new(RuleId::Duplicate, &name.at, message);
        return Some(found.remove(&rule.removal_of(name)));
    }
    Some(if rule.comparisons.is_empty() {
        let message =
            format!("a rule for {shown} says something else already, and the first counts");
        Found::new(RuleId::ShadowedRule, &name.at, message)
    } else {
        let message =
            format!("a rule for {shown} with these arguments says something else already");
        Found::new(RuleId::ConflictingRules, &name.at, message)
    })
}

/// By a rule that asks for no arguments.
fn covered<'a>(
    rule: &Rule,
    name: &Located<String>,
    mut others: impl Iterator<Item = &'a Rule>,
) -> Option<Found> {
    if rule.comparisons.is_empty() {
        return None;
    }
    let cover = others.find(|other| other.comparisons.is_empty() && other.is_there_with(rule))?;
    let shown = quoted(&name.value);
    Some(if cover.answer() == rule.answer() {
        let message = format!("another rule says the same of {shown} whatever its arguments are");
        Found::new(RuleId::CoveredRule, &name.at, message).remove(&rule.removal_of(name))
    } else {
        let message = format!(
            "another rule says something else of {shown} whatever its arguments are, and wins"
        );
        Found::new(RuleId::ShadowedRule, &name.at, message)
    })
}
