use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use profiler_common::Abi;

use super::{Options, RuleId, fix, lint};
use crate::profile::evaluate::Evaluator;
use crate::profile::{Action, Comparison, Operator, Profile, Rule, Runtime};

/// Few, so that rules meet; the last one is the highest, and the second the one that ENOSYS above it
/// matters to.
const NAMES: [&str; 6] = [
    "socket",
    "clone3",
    "personality",
    "read",
    "no_such_call",
    "faccessat2",
];

/// Not named: above them or below them runc's ENOSYS begins.
const BETWEEN: [&str; 5] = [
    "getpid",
    "statx",
    "io_uring_setup",
    "openat2",
    "epoll_pwait2",
];

const OPERATORS: [Operator; 4] = [
    Operator::Equal,
    Operator::NotEqual,
    Operator::Less,
    Operator::MaskedEqual,
];

const VALUES: [u64; 5] = [0, 1, 2, 40, 0xffff_ffff];

fn comparison() -> impl Strategy<Value = Comparison> {
    let values = (select(&VALUES[..]), select(&VALUES[..]));
    (0..2_u32, values, select(&OPERATORS[..])).prop_map(|(index, (value, value_two), op)| {
        Comparison {
            index,
            value,
            value_two,
            op,
        }
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let names = subsequence(&NAMES[..], 0..4);
    let twice = any::<bool>();
    let action = select(&[Action::Allow, Action::Errno, Action::KillProcess][..]);
    let errno = select(&[None, Some(1), Some(38)][..]);
    let args = prop::collection::vec(comparison(), 0..2);
    (names, twice, action, errno, args).prop_map(|(names, twice, action, errno_ret, args)| {
        let times = if twice { 2 } else { 1 };
        Rule {
            names: names.repeat(times).into_iter().map(str::to_owned).collect(),
            action,
            errno_ret,
            args,
            comment: None,
        }
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    let default = select(&[Action::Errno, Action::Allow][..]);
    let architectures = subsequence(&["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"][..], 0..=2);
    let rules = prop::collection::vec(rule(), 0..5);
    (default, architectures, rules).prop_map(|(default_action, architectures, syscalls)| Profile {
        default_action,
        default_errno_ret: None,
        architectures: architectures.into_iter().map(str::to_owned).collect(),
        syscalls,
    })
}

/// Of 32 bits, as the kernel takes them: what is mended may differ above.
fn assert_same(before: &Evaluator, after: &Evaluator) -> Result<(), TestCaseError> {
    for abi in Abi::ALL {
        for name in BETWEEN {
            let answers = |evaluator: &Evaluator| evaluator.answer_to(abi, name, [0; 6]);
            prop_assert_eq!(answers(before), answers(after), "{:?} {}", abi, name);
        }
        for name in NAMES {
            for first in VALUES {
                for second in VALUES {
                    let arguments = [first, second, 0, 0, 0, 0];
                    let answers = |evaluator: &Evaluator| evaluator.answer_to(abi, name, arguments);
                    prop_assert_eq!(answers(before), answers(after), "{:?} {}", abi, name);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn what_is_mended_means_the_same() {
    let mut runner = TestRunner::new(Config {
        cases: 100,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    });
    let mended = Cell::new(0);
    let tested = runner.run(&profile(), |profile| {
        let text = serde_json::to_string(&profile).unwrap();
        let fixed = fix(text.as_bytes(), &Options::default()).unwrap();
        mended.set(mended.get() + fixed.mended.len());
        let after: Profile = serde_json::from_slice(&fixed.text).unwrap();
        for runtime in [Runtime::Runc1_1, Runtime::Runc1_2, Runtime::Crun] {
            // What libseccomp refuses means nothing.
            let Ok(before) = Evaluator::new(&profile, runtime) else {
                return Ok(());
            };
            let after = Evaluator::new(&after, runtime);
            assert_same(
                &before,
                &after.map_err(|e| TestCaseError::fail(e.to_string()))?,
            )?;
        }
        let left = lint(&fixed.text, &Options::default()).unwrap().findings;
        prop_assert!(left.iter().all(|finding| finding.edit.is_none()));
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
    // Not for want of something to mend.
    let mended = mended.get();
    assert!(mended > 100, "{mended}");
}

/// That a rule never counts is said of those alone without which nothing changes.
#[test]
fn what_never_counts_changes_nothing_when_it_goes() {
    let mut runner = TestRunner::new(Config {
        cases: 100,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..Config::default()
    });
    let single = profile().prop_map(|mut profile| {
        for rule in &mut profile.syscalls {
            rule.names.truncate(1);
        }
        profile.syscalls.retain(|rule| !rule.names.is_empty());
        profile
    });
    let tested = runner.run(&single, |profile| {
        let Ok(before) = Evaluator::new(&profile, Runtime::Crun) else {
            return Ok(());
        };
        // A rule a line, so that its line tells which.
        let rules = profile
            .syscalls
            .iter()
            .map(|rule| serde_json::to_string(rule).unwrap());
        let rules: Vec<String> = rules.collect();
        let default = serde_json::to_string(&profile.default_action).unwrap();
        let architectures = serde_json::to_string(&profile.architectures).unwrap();
        let head = format!(r#"{{"defaultAction": {default}, "architectures": {architectures},"#);
        let text = format!("{head} \"syscalls\": [\n{}\n]}}", rules.join(",\n"));
        for finding in lint(text.as_bytes(), &Options::default()).unwrap().findings {
            let never = [
                RuleId::CoveredRule,
                RuleId::ShadowedRule,
                RuleId::NeverMatches,
                RuleId::SameAsDefault,
            ];
            if never.contains(&finding.rule) {
                let mut without = profile.clone();
                without.syscalls.remove(finding.place.start.line - 2);
                let after = Evaluator::new(&without, Runtime::Crun).unwrap();
                assert_same(&before, &after)?;
            }
        }
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
}

/// Each rule alone is one that no engine takes, and nobody knows what it was to say.
#[test]
fn what_cannot_be_read_is_held_against_nothing() {
    for unread in [
        r#""args": [{"index": 1, "value": -1, "op": "SCMP_CMP_EQ"}]"#,
        r#""args": [{"index": 1, "value": 1.0, "op": "SCMP_CMP_EQ"}]"#,
        r#""args": [{"index": 1, "value": 1, "op": "EQ"}]"#,
        r#""args": {"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}"#,
        r#""includes": {"caps": "CAP_KILL"}"#,
        r#""errnoRet": "ENOSYS""#,
        r#""action": "ALLOW""#,
        r#""arg": [{"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}]"#,
    ] {
        let rule = format!(r#"{{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW", {unread}}}"#);
        let text = format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": "1", "syscalls": [
            {{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW"}},
            {rule},
            {rule},
            {{"names": ["bpf"], "action": "SCMP_ACT_ERRNO"}}]}}"#
        );
        let fixed = fix(text.as_bytes(), &Options::default()).unwrap();
        assert_eq!(String::from_utf8(fixed.text).unwrap(), text);
    }
}

#[test]
fn of_two_entries_for_an_architecture_the_first_counts() {
    let text = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [], "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X32"]}]}"#;
    let found = lint(text.as_bytes(), &Options::default()).unwrap().findings;
    let said: Vec<_> = found.iter().map(|f| (f.rule, f.place.start.line)).collect();
    assert_eq!(
        said,
        [
            (RuleId::DefaultAllow, 1),
            (RuleId::AbiUnsaid, 2),
            (RuleId::Duplicate, 3)
        ]
    );
}

/// One line, and every word of it a finding; rules that no filter has room for.
#[test]
fn a_profile_may_be_as_large_as_it_likes() {
    let names = vec![r#""read""#; 100_000].join(", ");
    let rules = (0..10_000).map(|value| {
        format!(
            r#"{{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW",
            "args": [{{"index": 1, "value": {value}, "op": "SCMP_CMP_EQ"}}]}}"#
        )
    });
    let text = format!(
        r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {{"names": [{names}], "action": "SCMP_ACT_ALLOW"}}, {}]}}"#,
        rules.collect::<Vec<_>>().join(",")
    );
    let found = lint(text.as_bytes(), &Options::default()).unwrap().findings;
    let number = |rule| found.iter().filter(|finding| finding.rule == rule).count();
    assert_eq!(number(RuleId::Duplicate), 99_999);
    assert_eq!(number(RuleId::UnmaskedComparison), 10_000);
    assert_eq!(number(RuleId::LibseccompFault), 1);
}
