//! Rules that repeat, cover or contradict each other.
//!
//! libseccomp lets a rule without comparisons win over those with, whichever comes first, and the
//! first of two without; rules that repeat the default are skipped by runtimes, so they cover nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::document::{Comparison, Document, Located, Rule};
use crate::lint::finding::Found;
use crate::lint::rules::RuleId;
use crate::lint::words::quoted;

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    let default = document.default_answer;
    let mut by_name: BTreeMap<&str, Vec<(&Rule, &Located<String>)>> = BTreeMap::new();
    for (rule, name) in document.entries() {
        let answer = rule.answer;
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
    for list in lists(document) {
        found.extend(listed_twice(list));
    }
    found.extend(mapped_twice(document));
    found.extend(document.rules.iter().filter_map(never_there));
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

/// Of words, where the order is immaterial.
fn lists(document: &Document) -> impl Iterator<Item = &[Located<String>]> {
    let conditions = document.rules.iter().flat_map(|rule| {
        let conditions = [&rule.includes, &rule.excludes];
        conditions.map(|c| [&c.capabilities, &c.architectures])
    });
    let mapped = document.arch_map.iter().map(|entry| &entry.others);
    [&document.architectures, &document.flags]
        .into_iter()
        .chain(mapped)
        .chain(conditions.flatten())
        .map(Vec::as_slice)
}

fn listed_twice(words: &[Located<String>]) -> impl Iterator<Item = Found> {
    let mut seen = BTreeSet::new();
    words.iter().filter_map(move |word| {
        if seen.insert(word.value.as_str()) {
            return None;
        }
        let message = format!("{} is listed already", quoted(&word.value));
        Some(Found::new(RuleId::Duplicate, &word.at, message).remove(&word.removal))
    })
}

/// The first counts
/// (<https://github.com/moby/profiles/blob/seccomp/v0.1.0/seccomp/seccomp_linux.go>).
fn mapped_twice(document: &Document) -> impl Iterator<Item = Found> {
    let mut seen = BTreeSet::new();
    let mapped = document.arch_map.iter();
    let mapped = mapped.filter_map(|entry| entry.architecture.as_ref());
    mapped.filter_map(move |name| {
        if seen.insert(name.value.as_str()) {
            return None;
        }
        let shown = quoted(&name.value);
        let message = format!("{shown} has an entry already, and the first counts");
        Some(Found::new(RuleId::Duplicate, &name.at, message))
    })
}

/// What lets the rule in keeps it out too.
fn never_there(rule: &Rule) -> Option<Found> {
    let (includes, excludes) = (&rule.includes, &rule.excludes);
    let wanted = &includes.capabilities;
    let capability = wanted
        .iter()
        .find(|one| excludes.capabilities.contains(one));
    let needed = &includes.architectures;
    let is_excluded = |one: &Located<String>| excludes.architectures.contains(one);
    let one = capability.or_else(|| needed.first().filter(|_| needed.iter().all(is_excluded)))?;
    let shown = quoted(&one.value);
    let message = format!("the rule is for {shown} and for all but {shown}: it is never there");
    Some(Found::new(RuleId::NeverMatches, &one.at, message))
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
    if first.answer == rule.answer {
        let message = format!("a rule for {shown} says the same already");
        let found = Found::new(RuleId::Duplicate, &name.at, message);
        return Some(found.remove(rule.removal_of(name)));
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
    Some(if cover.answer == rule.answer {
        let message = format!("another rule says the same of {shown} whatever its arguments are");
        Found::new(RuleId::CoveredRule, &name.at, message).remove(rule.removal_of(name))
    } else {
        let message = format!(
            "another rule says something else of {shown} whatever its arguments are, and wins"
        );
        Found::new(RuleId::ShadowedRule, &name.at, message)
    })
}
