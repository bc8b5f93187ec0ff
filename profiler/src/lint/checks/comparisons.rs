//! Comparisons of arguments: those that no value or every value fulfils, and those of 64 bits where
//! the kernel looks at 32.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::lint::document::{Comparison, Document, Rule};
use crate::lint::finding::Found;
use crate::lint::rules::RuleId;
use crate::profile::{Answer, Operator};

/// What the kernel makes of each argument (`profiles/argument-kinds.json`).
static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../profiles/argument-kinds.json"))
        .expect("a unit test parses it")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    #[serde(rename = "about")]
    _about: String,
    #[serde(rename = "sources")]
    _sources: Vec<String>,
    calls: BTreeMap<String, String>,
}

/// Arguments that a call can have.
const ARGUMENTS: u32 = 6;

const LOW_HALF: u64 = u32::MAX as u64;
const SIGN: u64 = 1 << 31;

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    let disputed = disputed(document);
    for rule in &document.rules {
        let is_disputed = rule
            .names
            .iter()
            .any(|name| disputed.contains(name.value.as_str()));
        for comparison in &rule.comparisons {
            let index = comparison.index.value;
            if index >= ARGUMENTS {
                let message = format!("a call has arguments 0 to 5, and {index} is none of them");
                found.push(Found::new(
                    RuleId::ArgumentIndex,
                    &comparison.index.at,
                    message,
                ));
                continue;
            }
            let found_one = by_itself(comparison).or_else(|| by_call(rule, comparison));
            found.extend(found_one.map(|one| if is_disputed { one.without_edit() } else { one }));
        }
        found.extend(rule.comparisons.iter().filter_map(second_value));
    }
}

/// The calls whose rules compare arguments for unlike answers: which of them counts hangs on how each
/// is written.
fn disputed(document: &Document) -> BTreeSet<&str> {
    let mut answers: BTreeMap<&str, Option<Answer>> = BTreeMap::new();
    let compared = document
        .entries()
        .filter(|(rule, _)| !rule.comparisons.is_empty() && rule.answer != document.default_answer);
    let unlike = compared.filter(|(rule, name)| {
        let first = answers.entry(&name.value).or_insert(rule.answer);
        *first != rule.answer
    });
    unlike.map(|(_, name)| name.value.as_str()).collect()
}

fn second_value(comparison: &Comparison) -> Option<Found> {
    let second = comparison.value_two.as_ref()?;
    (comparison.operator.value != Operator::MaskedEqual && second.value != 0).then(|| {
        let message = "\"valueTwo\" belongs to SCMP_CMP_MASKED_EQ, and has no effect here";
        Found::new(RuleId::NoEffect, &second.at, message).remove(&second.removal)
    })
}

/// What needs no knowledge of the call.
fn by_itself(comparison: &Comparison) -> Option<Found> {
    let (value, second) = (comparison.compared_with(), comparison.second_value());
    let (never, always) = match comparison.operator.value {
        Operator::Less => (value == 0, false),
        Operator::LessOrEqual => (false, value == u64::MAX),
        Operator::Greater => (value == u64::MAX, false),
        Operator::GreaterOrEqual | Operator::MaskedEqual => (false, value == 0),
        Operator::Equal | Operator::NotEqual => (false, false),
    };
    if never {
        let message = "no value fulfils this";
        return Some(Found::new(RuleId::NeverMatches, &comparison.at, message));
    }
    let is_masked = comparison.operator.value == Operator::MaskedEqual;
    if is_masked && !always && second & !value != 0 {
        let message = format!(
            "of {second} the mask {value} leaves {}, and that is what is compared with",
            second & value
        );
        return Some(Found::new(RuleId::BitsOutsideMask, &comparison.at, message));
    }
    always.then(|| {
        Found::new(
            RuleId::AlwaysMatches,
            &comparison.at,
            "every value fulfils this",
        )
    })
}

/// The first of the rule's calls of which something is to be said.
fn by_call(rule: &Rule, comparison: &Comparison) -> Option<Found> {
    if !is_ours(rule) {
        return None;
    }
    let index = comparison.index.value as usize;
    rule.names.iter().find_map(|name| {
        let call = name.value.as_str();
        let kinds = KINDS.calls.get(call)?;
        match kinds.as_bytes().get(index) {
            None => {
                let message = format!(
                    "{call} has {} arguments, and no argument {index}",
                    kinds.len()
                );
                Some(Found::new(
                    RuleId::ArgumentIndex,
                    &comparison.index.at,
                    message,
                ))
            }
            Some(b'p') => pointer(call, comparison),
            Some(b's') => half(rule, call, comparison, true),
            Some(b'u') => half(rule, call, comparison, false),
            Some(_) => None,
        }
    })
}

/// The table is of architectures that number arguments as x86_64 does.
fn is_ours(rule: &Rule) -> bool {
    let named = &rule.includes.architectures;
    let ours = ["amd64", "arm64", "riscv64"];
    named.is_empty() || named.iter().any(|name| ours.contains(&name.value.as_str()))
}

/// Whether one is given at all can be compared.
fn pointer(call: &str, comparison: &Comparison) -> Option<Found> {
    let is_null_test = matches!(
        comparison.operator.value,
        Operator::Equal | Operator::NotEqual
    ) && comparison.compared_with() == 0;
    (!is_null_test).then(|| {
        let index = comparison.index.value;
        let message =
            format!("argument {index} of {call} is a pointer: the filter sees the address only");
        Found::new(RuleId::PointerArgument, &comparison.at, message)
    })
}

/// An argument of 32 bits.
fn half(rule: &Rule, call: &str, comparison: &Comparison, is_signed: bool) -> Option<Found> {
    let (value, operator) = (comparison.compared_with(), comparison.operator.value);
    let what = format!("argument {} of {call} has 32 bits", comparison.index.value);
    // What a caller with a bit set above gets by it: into the rule, or out of it.
    let matches_above = match operator {
        Operator::MaskedEqual if value <= LOW_HALF => return None,
        Operator::Equal | Operator::MaskedEqual | Operator::Less | Operator::LessOrEqual => false,
        Operator::NotEqual | Operator::Greater | Operator::GreaterOrEqual => true,
    };
    if operator == Operator::Equal && value > LOW_HALF && !is_extended(value) {
        let message = format!("{what}, and {value} has more");
        return Some(Found::new(RuleId::NeverMatches, &comparison.at, message));
    }
    if rule.lets_through() == matches_above {
        let message = format!("{what}, and is compared as 64: a bit set above gets round the rule");
        let found = Found::new(RuleId::BypassableComparison, &comparison.at, message);
        return Some(masked(found, comparison));
    }
    if operator == Operator::Equal && is_signed && value & SIGN != 0 {
        let message =
            format!("{what} and a sign: {value} comes extended from some callers, from others not");
        let found = Found::new(RuleId::SignExtension, &comparison.at, message);
        return Some(masked(found, comparison));
    }
    let message = format!("{what}, and is compared as 64: rubbish above makes the rule miss");
    let found = Found::new(RuleId::UnmaskedComparison, &comparison.at, message);
    Some(masked(found, comparison))
}

/// A negative number of 32 bits in 64.
fn is_extended(value: u64) -> bool {
    value >> 31 == (1 << 33) - 1
}

/// Equality alone can be said of half the bits; what stands there for people would be lost.
fn masked(found: Found, comparison: &Comparison) -> Found {
    if comparison.operator.value != Operator::Equal || comparison.has_remark {
        return found;
    }
    let (index, value) = (
        comparison.index.value,
        comparison.compared_with() & LOW_HALF,
    );
    let text = format!(
        "{{\"index\": {index}, \"value\": {LOW_HALF}, \"valueTwo\": {value}, \"op\": \"SCMP_CMP_MASKED_EQ\"}}"
    );
    found.replace(&comparison.at, text)
}

#[cfg(test)]
mod tests {
    use super::{ARGUMENTS, KINDS, is_extended};
    use crate::names::libseccomp_since;

    #[test]
    fn the_table_is_of_calls_and_of_arguments() {
        for (call, kinds) in &KINDS.calls {
            assert!(libseccomp_since(call).is_some(), "{call}");
            assert!(kinds.len() <= ARGUMENTS as usize, "{call}");
            assert!(kinds.chars().all(|kind| "sup-".contains(kind)), "{call}");
        }
        assert_eq!(KINDS.calls["socket"], "sss");
        assert_eq!(KINDS.calls["prctl"], "s----");
        assert_eq!(KINDS.calls["personality"], "u");
    }

    #[test]
    fn extended_signs_are_told() {
        assert!(is_extended(u64::MAX));
        assert!(is_extended(0xffff_ffff_8000_0000));
        assert!(!is_extended(0xffff_ffff_7fff_ffff));
        assert!(!is_extended(0x1_0000_0001));
    }
}
