//! What libseccomp and runc make of the profile, by the evaluator: rules that libseccomp refuses or
//! mixes up, and what becomes of clone3.
//!
//! Of the rules that hold whatever the machine and the container are; those on a condition are left
//! out.

use profiler_common::Abi;

use crate::lint::document::{Document, Located, Rule};
use crate::lint::finding::Found;
use crate::lint::place::Bytes;
use crate::lint::rules::{RuleId, Severity};
use crate::names;
use crate::profile::evaluate::{Doubt, Evaluator, Refusal};
use crate::profile::{self, Answer, Profile, Runtime};

const CLONE3: &str = "clone3";

pub(super) fn check(document: &Document, found: &mut Vec<Found>) {
    let Some(profile) = profile(document) else {
        return;
    };
    match Evaluator::new(&profile, Runtime::Runc1_1) {
        Ok(evaluator) => {
            found.extend(evaluator.doubts().iter().map(|doubt| told(document, doubt)));
            found.extend(clone3(document, &evaluator));
        }
        Err(refusal) => found.extend(refused(document, &refusal, found)),
    }
}

/// `None` where not all of it can be read.
fn profile(document: &Document) -> Option<Profile> {
    if document.rules.iter().any(|rule| rule.answer.is_none()) {
        return None;
    }
    let mapped = document.arch_map.iter().filter(|entry| {
        let is_native = |name: &Located<String>| name.value == profile::NATIVE;
        entry.architecture.as_ref().is_some_and(is_native)
    });
    let mapped = mapped.flat_map(|entry| entry.architecture.iter().chain(&entry.others));
    let rules = document.rules.iter().filter(|rule| rule.is_unconditional());
    let syscalls = rules.filter_map(|rule| {
        Some(profile::Rule {
            names: rule.names.iter().map(|name| name.value.clone()).collect(),
            action: rule.action.as_ref()?.value,
            errno_ret: rule.errno.as_ref().map(|errno| errno.value),
            args: rule.comparisons.iter().map(compared).collect(),
            comment: None,
        })
    });
    Some(Profile {
        default_action: document.default_action.as_ref()?.value,
        default_errno_ret: document.default_errno.as_ref().map(|errno| errno.value),
        architectures: document
            .architectures
            .iter()
            .chain(mapped)
            .map(|name| name.value.clone())
            .collect(),
        syscalls: syscalls.collect(),
    })
}

fn compared(comparison: &crate::lint::document::Comparison) -> profile::Comparison {
    profile::Comparison {
        index: comparison.index.value,
        value: comparison.compared_with(),
        value_two: comparison.second_value(),
        op: comparison.operator.value,
    }
}

fn told(document: &Document, doubt: &Doubt) -> Found {
    let at = match doubt {
        Doubt::MixedUp { call } => compared_at(document, call),
        Doubt::NumberUnread { .. } => None,
    };
    let at = at.unwrap_or(&document.rules_at);
    Found::new(RuleId::LibseccompFault, at, doubt.to_string())
}

/// Its first rule with comparisons.
fn compared_at<'d>(document: &'d Document, call: &str) -> Option<&'d Bytes> {
    let mut entries = document.entries();
    entries
        .find(|(rule, name)| name.value == call && !rule.comparisons.is_empty())
        .map(|(_, name)| &name.at)
}

/// What the other checks have not told by its place.
fn refused(document: &Document, refusal: &Refusal, found: &[Found]) -> Option<Found> {
    match refusal {
        Refusal::Contradiction(call) => {
            let is_told = found
                .iter()
                .any(|found| found.rule == RuleId::ConflictingRules);
            let at = compared_at(document, call).filter(|_| !is_told)?;
            Some(Found::new(
                RuleId::ConflictingRules,
                at,
                refusal.to_string(),
            ))
        }
        Refusal::TooMany(call) => {
            let at = compared_at(document, call)?;
            let found = Found::new(RuleId::LibseccompFault, at, refusal.to_string());
            Some(found.severity(Severity::Error))
        }
        Refusal::ByteOrder(architecture) => {
            let mut listed = document.architectures.iter();
            let name = listed.find(|name| name.value == *architecture)?;
            let message = refusal.to_string();
            Some(Found::new(RuleId::ForeignArchitecture, &name.at, message))
        }
        Refusal::UnknownArchitecture(_) | Refusal::EmptyName | Refusal::ArgumentIndex { .. } => {
            None
        }
    }
}

/// Where threads are wanted at all.
fn clone3(document: &Document, evaluator: &Evaluator) -> Option<Found> {
    let answer = |name| evaluator.answer_to(Abi::X86_64, name, [0; 6]);
    let let_through = |name: &str| {
        let mut entries = document.entries();
        entries.any(|(rule, entry)| entry.value == name && rule.lets_through())
    };
    let refused = answer(CLONE3)?;
    if document.denies_by_default() != Some(true)
        || !let_through("clone")
        || let_through(CLONE3)
        || refused == Answer::ENOSYS
    {
        return None;
    }
    let mut named = document.entries().filter(|(_, name)| name.value == CLONE3);
    if let Some((rule, name)) = named.next() {
        let message = "clone3 is not answered with errno 38 (ENOSYS)";
        return rule
            .is_unconditional()
            .then(|| Found::new(RuleId::Clone3Refused, &name.at, message));
    }
    let (highest, name) = highest(document)?;
    let message = format!(
        "{} ({highest}) is named, so runc answers clone3 (435) as the default does, and not with ENOSYS",
        name.value
    );
    Some(Found::new(RuleId::Clone3Refused, &name.at, message))
}

/// Of x86_64; runc answers ENOSYS above it.
fn highest(document: &Document) -> Option<(u32, &Located<String>)> {
    let is_held = |rule: &Rule| rule.is_unconditional();
    let held = document.entries().filter(|(rule, _)| is_held(rule));
    held.filter_map(|(_, name)| Some((names::number(Abi::X86_64, &name.value)?, name)))
        .max_by_key(|(number, _)| *number)
}
