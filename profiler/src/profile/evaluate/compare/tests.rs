//! Two random profiles: every answer that is given is among the pairs, and every pair is given.

use std::cell::Cell;

use profiler_common::Abi;
use proptest::prelude::*;

use super::super::properties::{
    NAMES, OPERATORS, check, comparison, large, profile, rule, runtime, small,
};
use super::super::{Evaluator, Refusal, SeccompData};
use super::Pairs;
use crate::names;
use crate::profile::{Profile, Runtime};

fn calls() -> impl Iterator<Item = SeccompData> {
    Abi::ALL.into_iter().flat_map(|abi| {
        let named = NAMES
            .iter()
            .filter_map(move |name| names::number(abi, name));
        named
            .chain([0, 600])
            .map(move |number| SeccompData::new(abi, number, [0; 6]))
    })
}

fn of_both(
    older: &Profile,
    newer: &Profile,
    runtime: Runtime,
) -> Result<(Evaluator, Evaluator), Refusal> {
    Ok((
        Evaluator::new(older, runtime)?,
        Evaluator::new(newer, runtime)?,
    ))
}

fn holds(
    older: &Evaluator,
    newer: &Evaluator,
    arguments: &[[u64; 3]],
) -> Result<Vec<Pairs>, TestCaseError> {
    let answers = |call: &SeccompData, arguments: [u64; 6]| {
        let call = SeccompData { arguments, ..*call };
        (older.answer(&call), newer.answer(&call))
    };
    let mut all = Vec::new();
    for call in calls() {
        let pairs = older.pairs(newer, &call).unwrap();
        for [a, b, c] in arguments {
            let given = answers(&call, [*a, *b, *c, 0, 0, 0]);
            prop_assert!(pairs.contains_key(&given), "{:?} is missing", given);
        }
        for (pair, witness) in &pairs {
            let rubbish = 0x1234_5678_9abc_def0;
            for rest in [0, rubbish, u64::MAX] {
                let arguments = witness.map(|argument| argument.unwrap_or(rest));
                prop_assert_eq!(answers(&call, arguments), *pair);
            }
        }
        all.push(pairs);
    }
    Ok(all)
}

#[test]
fn all_pairs_of_answers_are_found_and_no_others() {
    for (value, cases) in [(large(), 400), (small(), 400)] {
        let args = prop_oneof![
            1 => Just(Vec::new()),
            4 => prop::collection::vec(comparison(&OPERATORS, &value), 1..4)
        ]
        .boxed();
        let profiles = || profile(prop::collection::vec(rule(&NAMES[..6], args.clone()), 0..5));
        let arguments = prop::collection::vec([value.clone(), value.clone(), value.clone()], 60);
        let both = (profiles(), profiles(), runtime(), arguments);
        let (alike, unlike) = (Cell::new(0), Cell::new(0));
        check(cases, both, |(older, newer, runtime, arguments)| {
            let Ok((older, newer)) = of_both(&older, &newer, runtime) else {
                return Ok(());
            };
            for pairs in holds(&older, &newer, &arguments)? {
                let differ = pairs.keys().any(|(old, new)| old != new);
                let count = if differ { &unlike } else { &alike };
                count.set(count.get() + 1);
            }
            for pairs in holds(&older, &older, &arguments)? {
                prop_assert!(pairs.keys().all(|(old, new)| old == new));
            }
            Ok(())
        });
        assert!(
            alike.get() > 500 && unlike.get() > 2000,
            "{alike:?} {unlike:?}"
        );
    }
}

/// As generated from what a program was seen to do: many values of several arguments.
#[test]
fn many_combinations_take_no_time() {
    let with = |last: u64| {
        let rules: Vec<String> = (0..64)
            .map(|value: u64| {
                let masked = |index: u32, value: u64| {
                    format!(
                        r#"{{"index": {index}, "value": 4294967295, "valueTwo": {value}, "op": "SCMP_CMP_MASKED_EQ"}}"#
                    )
                };
                let args = [
                    masked(0, value),
                    masked(1, value * 3),
                    masked(2, if value == 63 { last } else { value / 2 }),
                ];
                let args = args.join(",");
                format!(r#"{{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{args}]}}"#)
            })
            .collect();
        let rules = rules.join(",");
        let json = format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{rules}]}}"#);
        Evaluator::new(&serde_json::from_str(&json).unwrap(), Runtime::Crun).unwrap()
    };
    let (older, newer) = (with(7), with(9));
    let socket = names::number(Abi::X86_64, "socket").unwrap();
    let pairs = older
        .pairs(&newer, &SeccompData::new(Abi::X86_64, socket, [0; 6]))
        .unwrap();
    assert_eq!(pairs.len(), 4, "both, neither, each alone: {pairs:?}");
    let alone = pairs.iter().filter(|((old, new), _)| old != new);
    let witnesses: Vec<_> = alone.map(|(_, arguments)| arguments[2]).collect();
    assert_eq!(witnesses, [Some(7), Some(9)]);
}
