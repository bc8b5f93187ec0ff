//! Rules that repeat, cover or contradict each other.
//!
//! libseccomp lets a rule without comparisons win over those with, whichever comes first, and the
//! first of two without; rules that repeat the default are skipped by runtimes, so they cover nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::document::{Document, Located, Rule};
use crate::lint::finding::Found;
use crate::lint::rules::RuleId;
use crate::lint::words::quoted;
use crate::profile::Operator;

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
        let plain: Vec<&Rule> = entries
            .iter()
            .filter(|(rule, _)| rule.comparisons.is_empty())
            .map(|(rule, _)| *rule)
            .collect();
        let mut before: BTreeMap<_, Vec<&Rule>> = BTreeMap::new();
        for &(rule, name) in entries {
            let alike = before.entry(arguments(rule)).or_default();
            found.extend(repeats(rule, name, alike).or_else(|| covered(rule, name, &plain)));
            alike.push(rule);
        }
    }
    for list in lists(document) {
        found.extend(listed_twice(list));
    }
    found.extend(mapped_twice(document));
    found.extend(document.rules.iter().filter_map(never_there));
    for rule in &document.rules {
        let mut seen = BTreeSet::new();
        let comparisons = rule.comparisons.iter();
        let again = comparisons.filter(|one| !seen.insert(one.index.value));
        found.extend(again.map(|one| {
            let index = one.index.value;
            let message = format!("argument {index} is compared twice in a rule: it holds where either comparison does, not both");
            Found::new(RuleId::EitherNotBoth, &one.at, message)
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

/// What it compares, whatever the order: each comparison's argument, operator and values.
fn arguments(rule: &Rule) -> BTreeSet<(u32, Operator, u64, u64)> {
    let comparisons = rule.comparisons.iter();
    let compared = comparisons.map(|one| {
        let values = (one.compared_with(), one.second_value());
        (one.index.value, one.operator.value, values.0, values.1)
    });
    compared.collect()
}

/// `alike`: the rules before it that compare the same.
fn repeats(rule: &Rule, name: &Located<String>, alike: &[&Rule]) -> Option<Found> {
    let first = alike.iter().find(|other| other.is_there_with(rule))?;
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

/// By one of the `plain` rules, which ask for no arguments.
fn covered(rule: &Rule, name: &Located<String>, plain: &[&Rule]) -> Option<Found> {
    if rule.comparisons.is_empty() {
        return None;
    }
    let cover = plain.iter().find(|other| other.is_there_with(rule))?;
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
