//! The union of two lists, two callers, two texts; each is the same either way round, and the same
//! again with what it holds already.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::mem;

use crate::recording::{Arguments, Attempt, Caller, CapabilityCheck, Sighting, Text};

/// Sorted; those of one identity joined.
pub(super) fn unite<T>(
    into: &mut Vec<T>,
    other: Vec<T>,
    order: impl Fn(&T, &T) -> Ordering,
    join: impl Fn(&mut T, &mut T),
) {
    into.extend(other);
    into.sort_by(&order);
    into.dedup_by(|next, known| {
        let is_same = order(known, next).is_eq();
        if is_same {
            join(known, next);
        }
        is_same
    });
}

pub(super) fn unite_callers(into: &mut Vec<Caller>, other: Vec<Caller>) {
    unite(
        into,
        other,
        |a, b| a.identity().cmp(&b.identity()),
        join_callers,
    );
}

pub(super) fn unite_attempts(into: &mut Vec<Attempt>, other: Vec<Attempt>) {
    unite(
        into,
        other,
        |a, b| (a.caller.identity(), a.errno).cmp(&(b.caller.identity(), b.errno)),
        |known, next| {
            join_callers(&mut known.caller, &mut next.caller);
            for (run, count) in mem::take(&mut next.counts) {
                let known = known.counts.entry(run).or_default();
                *known = (*known).max(count);
            }
        },
    );
}

pub(super) fn unite_runs(known: &mut Vec<u32>, others: Vec<u32>) {
    known.extend(others);
    known.sort_unstable();
    known.dedup();
}

/// Of one identity.
fn join_callers(known: &mut Caller, next: &mut Caller) {
    unite_runs(&mut known.runs, mem::take(&mut next.runs));
    known.first = [known.first.take(), next.first.take()]
        .into_iter()
        .flatten()
        .min_by(|a, b| sighting_order(a).cmp(&sighting_order(b)));
    known.arguments = Arguments::united(known.arguments.take(), next.arguments.take());
}

fn sighting_order(first: &Sighting) -> impl Ord {
    (
        first.run,
        first.at_ms,
        first.process,
        &first.comm,
        &first.args,
    )
}

/// All but the callers.
pub(super) fn check_identity(check: &CapabilityCheck) -> impl Ord {
    (
        &check.capability,
        check.granted,
        &check.syscall,
        &check.architecture,
        &check.stack,
        check.own_namespace,
        check.own_credentials,
        check.no_audit,
    )
}

/// Between those that stand in one text.
const COMMA: &str = ", ";

pub(super) fn words(text: &str) -> BTreeSet<&str> {
    text.split(COMMA).filter(|word| !word.is_empty()).collect()
}

pub(super) fn unite_words(into: &mut String, other: &str) {
    if into != other {
        let mut both = words(into);
        both.extend(words(other));
        *into = both.into_iter().collect::<Vec<_>>().join(COMMA);
    }
}

pub(super) fn unite_text(into: &mut Text, other: &Text) {
    let mut both = into.encoded();
    unite_words(&mut both, &other.encoded());
    *into = Text::from_encoded(&both).expect("commas are no escapes");
}

pub(super) fn unite_known_words(into: &mut Option<String>, other: Option<String>) {
    match (&mut *into, other) {
        (Some(one), Some(other)) => unite_words(one, &other),
        (None, other) => *into = other,
        (Some(_), None) => {}
    }
}
