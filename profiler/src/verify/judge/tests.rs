use crate::profile::{Action, Profile, Rule};
use crate::recording::Phase;
use crate::verify::{
    Answer, CapabilityDenial, CapabilityRules, Denial, Lost, Observations, Start, Verdict, judge,
};

fn rule(action: Action, errno_ret: Option<u32>, names: &[&str]) -> Rule {
    Rule {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        action,
        errno_ret,
        args: Vec::new(),
        comment: None,
    }
}

/// As the generator writes them: EPERM by default, clone3 answered.
fn profile() -> Profile {
    Profile {
        default_action: Action::Errno,
        default_errno_ret: Some(1),
        architectures: vec!["SCMP_ARCH_X86_64".into(), "SCMP_ARCH_X86".into()],
        syscalls: vec![
            rule(
                Action::Allow,
                None,
                &["execve", "exit_group", "rt_sigreturn"],
            ),
            rule(Action::Errno, Some(38), &["clone3"]),
        ],
    }
}

fn without_rt_sigreturn() -> Profile {
    let mut profile = profile();
    profile.syscalls[0].names.pop();
    profile
}

fn denial(syscall: &str, number: i32, result: i32) -> Denial {
    Denial {
        architecture: "SCMP_ARCH_X86_64".into(),
        syscall: syscall.into(),
        number,
        answer: Answer::from_result(result),
        count: 3,
        phase: Phase::Workload,
        comm: "nginx".into(),
        exe: Some("/usr/sbin/nginx".into()),
    }
}

fn capability_denial(capability: &str) -> CapabilityDenial {
    CapabilityDenial {
        capability: capability.into(),
        syscall: Some("chown".into()),
        count: 1,
        phase: Phase::Workload,
        own_namespace: true,
        own_credentials: true,
        opportunistic: None,
        comm: "nginx".into(),
        exe: None,
    }
}

fn said(verdict: &Verdict) -> Vec<String> {
    verdict.findings.iter().map(ToString::to_string).collect()
}

fn of_denials(denials: Vec<Denial>) -> Verdict {
    let observed = Observations {
        denials,
        ..Observations::default()
    };
    judge(&profile(), None, &observed)
}

fn of_starts(profile: &Profile, starts: Vec<Start>) -> Verdict {
    let observed = Observations {
        starts,
        ..Observations::default()
    };
    judge(profile, None, &observed)
}

#[test]
fn nothing_seen_is_a_pass() {
    let verdict = judge(
        &profile(),
        Some(&CapabilityRules::default()),
        &Observations {
            starts: vec![Start::Ready; 10],
            exit_code: Some(0),
            ..Observations::default()
        },
    );
    assert!(verdict.passed());
    assert_eq!(verdict.to_string(), "passed: 10 starts");
}

#[test]
fn a_denied_call_is_a_finding_though_the_test_passes() {
    let observed = Observations {
        denials: vec![denial("getppid", 110, -1)],
        starts: vec![Start::Ready],
        exit_code: Some(0),
        ..Observations::default()
    };
    let verdict = judge(&profile(), None, &observed);
    assert!(!verdict.passed());
    assert_eq!(
        verdict.to_string(),
        "denied: getppid (x86_64) with EPERM, 3 times, by nginx (/usr/sbin/nginx); allow it or record again with what asked for it\nfailed: 1 start"
    );
}

#[test]
fn one_finding_tells_of_all_that_asked_for_a_call() {
    let mut worker = denial("getppid", 110, -1);
    worker.comm = "worker".into();
    worker.exe = None;
    let mut runtime = denial("getppid", 110, -1);
    runtime.comm = "runc:[2:INIT]".into();
    runtime.phase = Phase::Runtime;
    let mut i386 = denial("getppid", 64, -1);
    i386.architecture = "SCMP_ARCH_X86".into();
    i386.count = 1;
    let mut exec = denial("getppid", 110, -1);
    exec.phase = Phase::Exec;
    let again = denial("getppid", 110, -1);
    let verdict = of_denials(vec![
        exec,
        again,
        worker,
        denial("getppid", 110, -1),
        i386,
        runtime,
    ]);
    let said = said(&verdict);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("denied: getppid (i386) with EPERM, once, by nginx"));
    assert!(
        said[1].contains(
            "15 times, by nginx (/usr/sbin/nginx), runc:[2:INIT] (before the program began), worker;"
        ),
        "{}",
        said[1]
    );
}

#[test]
fn each_answer_is_told_as_what_it_is() {
    let said = said(&of_denials(vec![
        denial("ptrace", 101, -13),
        denial("ptrace", 101, -1234),
        // The result of a call that SIGSYS cut short is its number.
        denial("ptrace", 101, 101),
    ]));
    let answers: Vec<_> = said
        .iter()
        .map(|text| {
            text.split(" with ")
                .nth(1)
                .unwrap()
                .split(',')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(answers, ["EACCES", "errno 1234", "SIGSYS"]);
}

#[test]
fn an_answer_of_enosys_is_counted_and_no_finding() {
    let verdict = of_denials(vec![
        denial("clone3", 435, -38),
        // Above the highest number named: the runtime's stub.
        denial("openat2", 437, -38),
        denial("clone3", 435, -38),
    ]);
    assert!(verdict.passed());
    assert_eq!(
        verdict.to_string(),
        "passed; answered ENOSYS, as the profile says: clone3 6, openat2 3"
    );
}

#[test]
fn where_enosys_is_the_default_only_rules_and_the_stub_answer() {
    let mut profile = profile();
    profile.default_errno_ret = Some(38);
    let observed = Observations {
        denials: vec![
            denial("clone3", 435, -38),
            denial("openat2", 437, -38),
            denial("getppid", 110, -38),
        ],
        ..Observations::default()
    };
    let said = said(&judge(&profile, None, &observed));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("denied: getppid (x86_64) with ENOSYS"));
}

#[test]
fn the_same_call_refused_otherwise_is_a_finding() {
    assert!(!of_denials(vec![denial("clone3", 435, -1)]).passed());
}

#[test]
fn a_failed_test_is_a_finding_with_its_exit_code() {
    for (code, says) in [
        (3, "failed with exit code 3"),
        (139, "failed with exit code 139 (SIGSEGV)"),
        (
            159,
            "failed with exit code 159 (SIGSYS: the filter killed it)",
        ),
    ] {
        let observed = Observations {
            exit_code: Some(code),
            ..Observations::default()
        };
        assert_eq!(said(&judge(&profile(), None, &observed)), [says]);
    }
}

#[test]
fn a_runtime_that_died_behind_the_filter_is_explained() {
    let starts = || {
        vec![
            Start::Ready,
            Start::Refused("OCI runtime: cannot start a stopped process: unknown".into()),
            Start::Ended(139),
        ]
    };
    let without = said(&of_starts(&without_rt_sigreturn(), starts()));
    assert_eq!(without.len(), 2);
    assert!(
        without[0].starts_with(
            "start 2 of 3 failed: OCI runtime: cannot start a stopped process: unknown: the filter denied a call of the container runtime's own start"
        ),
        "{}",
        without[0]
    );
    for text in &without {
        assert!(text.contains("most likely rt_sigreturn"), "{text}");
    }
    let with = said(&of_starts(&profile(), starts()));
    assert!(!with[0].contains("rt_sigreturn"), "{}", with[0]);
    assert_eq!(
        with[1],
        "start 3 of 3 failed: it ended with exit code 139 (SIGSEGV) before it was ready"
    );
}

#[test]
fn a_default_that_allows_allows_rt_sigreturn() {
    let mut open = Profile::open();
    let says_rt_sigreturn = |profile: &Profile| {
        said(&of_starts(profile, vec![Start::Ended(139)]))[0].contains("rt_sigreturn")
    };
    assert!(!says_rt_sigreturn(&open));
    open.syscalls
        .push(rule(Action::Errno, Some(1), &["rt_sigreturn"]));
    assert!(says_rt_sigreturn(&open));
}

#[test]
fn every_start_that_failed_is_told_of() {
    let said = said(&of_starts(
        &profile(),
        vec![
            Start::Refused("no such network".into()),
            Start::Ended(1),
            Start::Unhealthy("connection refused".into()),
            Start::Ready,
        ],
    ));
    assert_eq!(
        said,
        [
            "start 1 of 4 failed: no such network",
            "start 2 of 4 failed: it ended with exit code 1 before it was ready",
            "start 3 of 4 failed: its health check says connection refused",
        ]
    );
}

#[test]
fn starts_that_failed_alike_are_told_of_once() {
    let mut starts = vec![Start::Ended(1); 30];
    starts[3] = Start::Ready;
    starts[7] = Start::Ended(2);
    assert_eq!(
        said(&of_starts(&profile(), starts)),
        [
            "starts 1, 2, 3, 5, 6 and 23 more of 30 failed: it ended with exit code 1 before it was ready",
            "start 8 of 30 failed: it ended with exit code 2 before it was ready",
        ]
    );
}

#[test]
fn a_denied_capability_is_a_finding_unless_it_is_excused() {
    let rules = CapabilityRules {
        added: ["SETUID".to_owned()].into(),
        refused_when_recorded: ["DAC_OVERRIDE".to_owned()].into(),
    };
    let excused = vec![
        capability_denial("SETUID"),
        capability_denial("DAC_OVERRIDE"),
        CapabilityDenial {
            opportunistic: Some("overcommit".into()),
            ..capability_denial("SYS_ADMIN")
        },
        CapabilityDenial {
            phase: Phase::Runtime,
            ..capability_denial("SETPCAP")
        },
        CapabilityDenial {
            own_namespace: false,
            ..capability_denial("NET_ADMIN")
        },
        CapabilityDenial {
            own_credentials: false,
            ..capability_denial("MKNOD")
        },
    ];
    let verdict = |capability_denials| {
        let observed = Observations {
            capability_denials,
            ..Observations::default()
        };
        judge(&profile(), Some(&rules), &observed)
    };
    assert_eq!(said(&verdict(excused)), Vec::<String>::new());

    let mut fchown = capability_denial("CHOWN");
    fchown.syscall = Some("fchown".into());
    fchown.comm = "cp".into();
    fchown.exe = Some("/bin/cp".into());
    assert_eq!(
        said(&verdict(vec![fchown, capability_denial("CHOWN")])),
        [
            "capability denied: CHOWN in chown, fchown, twice, by cp (/bin/cp), nginx; add it or record again with what asked for it"
        ]
    );
}

#[test]
fn without_a_list_capability_denials_say_nothing() {
    let observed = Observations {
        capability_denials: vec![capability_denial("CHOWN")],
        ..Observations::default()
    };
    assert!(judge(&profile(), None, &observed).passed());
}

#[test]
fn a_loss_is_no_pass() {
    let observed = Observations {
        lost: Lost {
            denials: 2,
            ..Lost::default()
        },
        ..Observations::default()
    };
    let said = said(&judge(&profile(), None, &observed));
    assert!(said[0].contains("2 denials"), "{said:?}");
}

#[test]
fn hostile_names_are_shown_harmlessly() {
    let mut hostile = denial("getppid", 110, -1);
    hostile.comm = "\x1b[31m".into();
    let said = said(&of_denials(vec![hostile]));
    assert!(!said[0].contains('\x1b'), "{said:?}");
}
