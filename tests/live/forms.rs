//! Calls that are many: the kernel refuses what an attack makes of them under a profile that allows
//! what was recorded, and it is the rule about their arguments that refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use profiler::profile::{self, Container};
use profiler_tests::{Ran, assert_root, profiler, program, run};

const CALLS: [&str; 4] = ["clone", "ioctl", "personality", "socket"];

/// Of the recorded harmless forms.
fn generate(recording: &Path, level: &str, output: &Path) {
    run(profiler()
        .arg("generate")
        .arg(recording)
        .args(["--args", level, "-o"])
        .arg(output))
    .expect_code(0);
}

/// The errno that each call got, 0 where it went through.
#[track_caller]
fn errnos(ran: &Ran) -> BTreeMap<&str, i32> {
    let answers = ran.stdout.lines().map(|line| {
        let (call, errno) = line.split_once(' ').unwrap();
        (call, errno.parse().unwrap())
    });
    let answers: BTreeMap<&str, i32> = answers.collect();
    assert!(answers.keys().eq(&CALLS), "{ran:?}");
    answers
}

#[test]
fn an_attack_by_a_call_that_is_allowed_is_refused() {
    assert_root();
    let folder = tempfile::tempdir().unwrap();
    let (program, recording) = (program("forms"), folder.path().join("r.json"));
    run(profiler()
        .args(["record", "-o"])
        .arg(&recording)
        .arg("--")
        .arg(&program)
        .arg("harmless"))
    .expect_code(0);

    let alone = run(Command::new(&program).arg("attack")).expect_code(0);
    let alone = errnos(&alone);
    assert!(
        alone.values().all(|errno| *errno != libc::EPERM),
        "{alone:?}"
    );

    for level in ["off", "safe", "all"] {
        let path = folder.path().join("p.json");
        generate(&recording, level, &path);
        let rules = profile::read(&path, &Container::default())
            .unwrap()
            .profile
            .syscalls;
        let allowed = rules.iter().filter(|rule| rule.lets_through());
        let allowed: BTreeSet<&str> = allowed
            .flat_map(|rule| rule.names.iter().map(String::as_str))
            .collect();
        for call in CALLS {
            assert!(allowed.contains(call), "{level}: {call}");
        }
        let under = |form: &str| {
            let mut command = profiler();
            command.arg("verify").arg(&path).arg("--").arg(&program);
            run(command.arg(form))
        };

        under("harmless").expect_code(0);
        let attack = under("attack");
        let attacked = errnos(&attack);
        if level == "off" {
            assert_eq!(attacked, alone, "no argument is looked at");
        } else {
            assert!(
                attacked.values().all(|errno| *errno == libc::EPERM),
                "{level}: {attacked:?}"
            );
            for call in CALLS {
                let told = format!("denied: {call} (x86_64) with EPERM, once, by forms");
                assert!(attack.stderr.contains(&told), "{told}: {}", attack.stderr);
            }
        }
    }
}
