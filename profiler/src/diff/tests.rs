//! Two profiles differ exactly where the evaluator says so.

use std::cell::Cell;

use profiler_common::Abi;
use proptest::prelude::*;

use super::{Change, Side, diff};
use crate::names;
use crate::profile::evaluate::Evaluator;
use crate::profile::evaluate::properties::{
    NAMES, OPERATORS, check, comparison, profile, rule, small,
};
use crate::profile::interpret::SeccompData;
use crate::profile::{Profile, Runtime};

/// All of the values that the rules may compare with, one beside them, and the operations of i386's
/// multiplexed calls.
fn arguments() -> Vec<[u64; 6]> {
    let mut all = Vec::new();
    for a in [0, 1, 2, 3, 4, 9, 18, 23] {
        for b in 0..5 {
            all.extend((0..5).map(|c| [a, b, c, 0, 0, 0]));
        }
    }
    all
}

#[test]
fn what_differs_is_told_and_nothing_else() {
    let args = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(comparison(&OPERATORS, &small()), 1..3)
    ];
    let args = args.boxed();
    let profiles = || profile(prop::collection::vec(rule(&NAMES, args.clone()), 0..5));
    let (alike, unlike) = (Cell::new(0), Cell::new(0));
    check(150, (profiles(), profiles()), |(old, new)| {
        let side = |profile: &Profile| Side::of_profile(profile.clone());
        let evaluator = |profile: &Profile| Evaluator::new(profile, Runtime::Runc1_2).ok();
        let (older, newer) = (side(&old), side(&new));
        let (Some(by_old), Some(by_new)) = (evaluator(&old), evaluator(&new)) else {
            prop_assert!(diff(&older, &newer).is_err());
            return Ok(());
        };
        let found = diff(&older, &newer).unwrap();
        for abi in Abi::ALL {
            let architecture = names::architecture(abi);
            let whole = found
                .architectures
                .iter()
                .any(|set| set.name == architecture);
            for name in NAMES {
                let Some(number) = names::number(abi, name) else {
                    continue;
                };
                let mut changes = found.calls.iter().filter(|change| {
                    change.call.as_deref() == Some(name)
                        && change.architectures.contains(&architecture)
                });
                let change = changes.next();
                prop_assert!(changes.next().is_none(), "{} is told twice", name);
                let (mut differs, mut gains, mut loses) = (false, false, false);
                for arguments in arguments() {
                    let call = SeccompData::new(abi, number, arguments);
                    let (old, new) = (by_old.answer(&call), by_new.answer(&call));
                    differs |= old != new;
                    gains |= !old.permits() && new.permits();
                    loses |= old.permits() && !new.permits();
                }
                prop_assert_eq!(differs, whole && differs || change.is_some(), "{}", name);
                if let Some(change) = change {
                    prop_assert_eq!(change.change.widens(), gains);
                    let narrows = matches!(
                        change.change,
                        Change::Changed | Change::Tightened | Change::Removed
                    );
                    prop_assert_eq!(narrows, loses);
                }
                let count = if differs { &unlike } else { &alike };
                count.set(count.get() + 1);
            }
        }
        Ok(())
    });
    assert!(
        alike.get() > 300 && unlike.get() > 1500,
        "{alike:?} {unlike:?}"
    );
}

/// Whoever may trace a process, or answers for the engine, can let the call by.
#[test]
fn what_is_left_to_others_is_not_refused() {
    let side = |action: &str| {
        let json = format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls":
            [{{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}}, {{"names": ["bpf"], "action": "{action}"}}]}}"#
        );
        Side::of_profile(serde_json::from_str(&json).unwrap())
    };
    let change = |old, new| {
        let found = diff(&side(old), &side(new)).unwrap();
        let [call] = &found.calls[..] else {
            panic!("{found:?}");
        };
        (call.change, found.is_wider())
    };
    for action in ["SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY"] {
        assert_eq!(change("SCMP_ACT_KILL", action), (Change::Added, true));
        assert_eq!(change("SCMP_ACT_ALLOW", action), (Change::Answered, false));
        assert_eq!(change(action, "SCMP_ACT_KILL"), (Change::Removed, false));
    }
}
