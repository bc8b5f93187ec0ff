//! Where the kernel can preempt programs at BTF tracepoints, calls are seen at classic ones: the same
//! calls, and the same refusals. This kernel need not be such a one, so the kind is asked for.

use std::process::Command;

use profiler::recording::Phase;
use profiler_tests::{Trace, assert_root, calls, profiler, program, recording, run};

use super::{output, record_command};

const KIND: &str = "PROFILER_TRACEPOINTS";
/// Of BPF_PROG_TYPE_TRACEPOINT, in the recorder's open files
/// (<https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/bpf.h>).
const IS_CLASSIC: &str = "prog_type:\t5\n";

fn at_classic(command: &mut Command) -> &mut Command {
    command.env(KIND, "classic")
}

#[test]
fn the_kind_that_was_asked_for_is_used() {
    assert_root();
    let files = ["sh", "-c", "cat /proc/$PPID/fdinfo/*"];
    for (kind, is_classic) in [("classic", true), ("btf", false)] {
        let (_folder, path) = output();
        let ran = run(record_command(profiler().env(KIND, kind), &path).args(files));
        assert_eq!(
            ran.stdout.contains(IS_CLASSIC),
            is_classic,
            "{kind}: {ran:?}"
        );
    }
}

#[test]
fn strace_sees_the_same_calls_of_each_abi() {
    assert_root();
    for (name, architecture) in [
        ("i386", "SCMP_ARCH_X86"),
        ("stray", "SCMP_ARCH_X86_64"),
        ("storm", "SCMP_ARCH_X86_64"),
    ] {
        let (program, trace) = (program(name), Trace::new());
        let (_folder, path) = output();
        let mut strace = trace.command();
        strace.arg(profiler_tests::profiler_path());
        run(at_classic(record_command(&mut strace, &path)).arg(&program)).expect_code(0);
        let recording = recording(&path);
        assert_eq!(
            calls(&recording, architecture, Phase::Workload),
            trace.calls(&program),
            "{name}"
        );
        assert_eq!(recording.losses.total(), 0, "{:?}", recording.losses);
    }
}

#[test]
fn what_a_filter_refuses_is_named() {
    assert_root();
    let (folder, profile) = (tempfile::tempdir().unwrap(), "profile.json");
    let profile = folder.path().join(profile);
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["getppid", "umask"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}"#;
    std::fs::write(&profile, json).unwrap();
    let mut command = profiler();
    command.arg("verify").arg(&profile).args(["--", "sh", "-c"]);
    let ran = run(at_classic(&mut command).arg("echo $PPID; umask 022")).expect_code(1);
    assert_eq!(ran.stdout, "-1\n", "the kernel refused it");
    let denied = ran.stderr.lines().filter(|line| line.contains("denied: "));
    let named = denied.map(|line| line.split(' ').nth(2).unwrap());
    assert_eq!(named.collect::<Vec<_>>(), ["getppid", "umask"], "{ran:?}");
}
