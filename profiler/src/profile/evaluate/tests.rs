//! What the properties do not say: single answers, for people to read.

use profiler_common::Abi;

use super::{Doubt, Evaluator, Refusal};
use crate::profile::interpret::SeccompData;
use crate::profile::{Answer, Profile, Runtime};

fn profile(json: &str) -> Profile {
    serde_json::from_str(json).unwrap()
}

fn evaluator(rules: &str, architectures: &str, runtime: Runtime) -> Result<Evaluator, Refusal> {
    let json = format!(
        r#"{{"defaultAction": "SCMP_ACT_ERRNO", "architectures": {architectures}, "syscalls": {rules}}}"#
    );
    Evaluator::new(&profile(&json), runtime)
}

const ALL: &str = r#"["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]"#;
const EPERM: Answer = Answer::Errno(1);

fn first(value: u64) -> [u64; 6] {
    [value, 0, 0, 0, 0, 0]
}

#[test]
fn the_kernel_asks_no_filter_about_its_own_probes() {
    let rules = r#"[{"names": ["openat2"], "action": "SCMP_ACT_ALLOW"}]"#;
    let evaluator = evaluator(rules, ALL, Runtime::Runc1_1).unwrap();
    for number in [335, 336] {
        let answer = |abi| evaluator.answer(&SeccompData::new(abi, number, [0; 6]));
        assert_eq!(answer(Abi::X86_64), Answer::Allow);
        assert_ne!(answer(Abi::I386), Answer::Allow);
        assert_ne!(answer(Abi::X32), Answer::Allow);
    }
}

#[test]
fn runc_answers_enosys_above_what_is_named_and_crun_does_not() {
    let rules = r#"[{"names": ["openat2"], "action": "SCMP_ACT_ALLOW"}]"#;
    let answers = |runtime, architectures| {
        let evaluator = evaluator(rules, architectures, runtime).unwrap();
        ["clone3", "openat2", "faccessat2"]
            .map(|name| evaluator.answer_to(Abi::X86_64, name, [0; 6]).unwrap())
    };
    let stubbed = [EPERM, Answer::Allow, Answer::ENOSYS];
    let plain = [EPERM, Answer::Allow, EPERM];
    assert_eq!(answers(Runtime::Runc1_1, ALL), stubbed);
    assert_eq!(answers(Runtime::Crun, ALL), plain);
    assert_eq!(answers(Runtime::Runc1_1, "[]"), plain);
    assert_eq!(answers(Runtime::Runc1_2, "[]"), stubbed);
}

#[test]
fn an_architecture_that_is_not_listed_is_killed() {
    let rules = r#"[{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]"#;
    let native = evaluator(rules, "[]", Runtime::Runc1_1).unwrap();
    let all = evaluator(rules, ALL, Runtime::Runc1_1).unwrap();
    for abi in Abi::ALL {
        let killed = native.answer_to(abi, "read", [0; 6]) == Some(Answer::KillThread);
        assert_eq!(killed, abi != Abi::X86_64, "{abi:?}");
        assert_eq!(all.answer_to(abi, "read", [0; 6]), Some(Answer::Allow));
    }
    assert_eq!(all.answer_to(Abi::X86_64, "waitpid", [0; 6]), None);
}

#[test]
fn a_plain_rule_wins_over_those_with_arguments_and_the_first_of_two() {
    let with = |rules: &str| {
        let evaluator = evaluator(rules, ALL, Runtime::Runc1_1).unwrap();
        [0, 1].map(|value| {
            evaluator
                .answer_to(Abi::X86_64, "umask", first(value))
                .unwrap()
        })
    };
    let conditional = r#"{"names": ["umask"], "action": "SCMP_ACT_KILL_PROCESS",
        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}"#;
    let plain = r#"{"names": ["umask"], "action": "SCMP_ACT_ALLOW"}"#;
    let other = r#"{"names": ["umask"], "action": "SCMP_ACT_LOG"}"#;
    assert_eq!(
        with(&format!("[{conditional}]")),
        [EPERM, Answer::KillProcess]
    );
    assert_eq!(
        with(&format!("[{conditional}, {plain}]")),
        [Answer::Allow; 2]
    );
    assert_eq!(
        with(&format!("[{plain}, {conditional}]")),
        [Answer::Allow; 2]
    );
    assert_eq!(with(&format!("[{other}, {plain}]")), [Answer::Log; 2]);
}

/// What socketcall points at no filter sees: a rule about the domain lets all domains pass there.
#[test]
fn i386_has_two_ways_to_a_socket() {
    let rules = r#"[{"names": ["socket"], "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]"#;
    let evaluator = evaluator(rules, ALL, Runtime::Crun).unwrap();
    let answer = |name, value| evaluator.answer_to(Abi::I386, name, first(value)).unwrap();
    assert_eq!(
        [answer("socket", 2), answer("socket", 17)],
        [Answer::Allow, EPERM]
    );
    // SYS_SOCKET and SYS_BIND.
    assert_eq!(
        [answer("socketcall", 1), answer("socketcall", 2)],
        [Answer::Allow, EPERM]
    );
}

#[test]
fn names_that_a_library_does_not_know_make_no_rules() {
    let newer = profile(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": ["write", "mseal"], "action": "SCMP_ACT_ALLOW"}]}"#,
    );
    let answer = |evaluator: Evaluator| evaluator.answer_to(Abi::X86_64, "mseal", [0; 6]);
    let old = Evaluator::without(&["mseal".to_owned()], &newer, Runtime::Runc1_1);
    assert_eq!(answer(old.unwrap()), Some(Answer::ENOSYS));
    let new = Evaluator::new(&newer, Runtime::Runc1_1);
    assert_eq!(answer(new.unwrap()), Some(Answer::Allow));
}

#[test]
fn rules_that_libseccomp_mixes_up_are_told() {
    let doubts = |rules: &str| {
        evaluator(rules, ALL, Runtime::Runc1_1)
            .unwrap()
            .doubts()
            .to_vec()
    };
    // Allows the second argument 1 with a first one of 0x1_0000_0007, which no rule does.
    let mixed_up = r#"[{"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["lseek"], "action": "SCMP_ACT_ALLOW", "args": [
            {"index": 0, "value": 4294967305, "op": "SCMP_CMP_GT"},
            {"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}]},
        {"names": ["lseek"], "action": "SCMP_ACT_ALLOW", "args": [
            {"index": 0, "value": 4294967301, "op": "SCMP_CMP_GT"},
            {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]}]"#;
    let call = "lseek".to_owned();
    assert_eq!(doubts(mixed_up), [Doubt::MixedUp { call }]);
    // As Docker 29 has it.
    let ranges = r#"[{"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
            {"index": 0, "value": 38, "op": "SCMP_CMP_LT"}]},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
            {"index": 0, "value": 40, "op": "SCMP_CMP_GT"}]}]"#;
    assert_eq!(doubts(ranges), []);
    let unread = r#"[{"names": ["waitpid"], "action": "SCMP_ACT_ALLOW"}]"#;
    let architecture = "SCMP_ARCH_X86_64";
    assert_eq!(doubts(unread), [Doubt::NumberUnread { architecture }]);
}

#[test]
fn contradictions_are_refused_by_name() {
    let rules = r#"[
        {"names": ["umask"], "action": "SCMP_ACT_LOG",
         "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
        {"names": ["umask"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]"#;
    assert_eq!(
        evaluator(rules, ALL, Runtime::Runc1_1).err(),
        Some(Refusal::Contradiction("umask".to_owned()))
    );
}

#[test]
fn more_rules_than_fit_a_filter_are_refused_by_name() {
    let rules = |number: u32| {
        let rules = (0..number).map(|value| {
            format!(
                r#"{{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW",
                "args": [{{"index": 1, "value": {value}, "op": "SCMP_CMP_EQ"}}]}}"#
            )
        });
        format!("[{}]", rules.collect::<Vec<_>>().join(","))
    };
    let evaluated = |number| evaluator(&rules(number), ALL, Runtime::Crun).err();
    assert_eq!(evaluated(4096), None);
    assert_eq!(evaluated(4097), Some(Refusal::TooMany("ioctl".to_owned())));
}
