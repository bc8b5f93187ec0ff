//! Each program is loaded into a forked child, and the kernel is asked what it makes of it.

use std::arch::asm;

use super::{CompileError, compile};
use crate::profile::{Action, Comparison, Operator, Profile, Rule};

fn rule(names: &[&str], action: Action, errno_ret: Option<u32>) -> Rule {
    Rule {
        names: names.iter().map(|&n| n.to_owned()).collect(),
        action,
        errno_ret,
        args: Vec::new(),
        comment: None,
    }
}

fn profile(default_action: Action, architectures: &[&str], syscalls: Vec<Rule>) -> Profile {
    Profile {
        default_action,
        default_errno_ret: None,
        architectures: architectures.iter().map(|&a| a.to_owned()).collect(),
        syscalls,
    }
}

const X86: &[&str] = &["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];

/// Arguments that no call accepts, so that an allowed one fails by itself and does nothing.
const BAD: usize = usize::MAX;

#[derive(Clone, Copy)]
enum Call {
    Native(libc::c_long),
    /// With its first argument.
    With(libc::c_long, usize),
    I386(i32),
}

/// The errno of each call, 0 where it returned; or the signal that ended the child.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Errnos(Vec<i32>),
    Signal(i32),
}

fn native(number: libc::c_long, first: usize) -> i32 {
    // SAFETY: the numbers in these tests ignore or refuse their arguments.
    if unsafe { libc::syscall(number, first, BAD, BAD, BAD, BAD, BAD) } == -1 {
        std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
    } else {
        0
    }
}

fn i386(number: i32) -> i32 {
    let mut result = number;
    // SAFETY: a call without arguments; the kernel may clobber r8 to r11.
    unsafe {
        asm!("int 0x80", inout("eax") result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    if result < 0 { -result } else { 0 }
}

fn under(profile: &Profile, calls: &[Call]) -> Outcome {
    let compiled = compile(profile).unwrap();
    let filter = libc::sock_fprog {
        len: u16::try_from(compiled.program.len()).unwrap(),
        filter: compiled.program.as_ptr().cast_mut(),
    };
    let shared = nix::sys::memfd::memfd_create(c"errnos", nix::sys::memfd::MFdFlags::empty());
    let shared = std::fs::File::from(shared.unwrap());
    shared.set_len(4096).unwrap();
    // SAFETY: nobody truncates the file.
    let mut page = unsafe { memmap2::MmapMut::map_mut(&shared) }.unwrap();
    // SAFETY: the child makes raw calls only, and ends.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: no_new_privs lets the tests run without root.
        unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if libc::syscall(libc::SYS_seccomp, 1, 0, &raw const filter) != 0 {
                libc::_exit(99);
            }
        }
        for (call, byte) in calls.iter().zip(page.iter_mut()) {
            let errno = match *call {
                Call::Native(number) => native(number, BAD),
                Call::With(number, first) => native(number, first),
                Call::I386(number) => i386(number),
            };
            *byte = u8::try_from(errno).unwrap_or(u8::MAX);
        }
        // SAFETY: ends the child; the filters in these tests allow it.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: our own child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    if libc::WIFSIGNALED(status) {
        return Outcome::Signal(libc::WTERMSIG(status));
    }
    assert_eq!(libc::WEXITSTATUS(status), 0, "the filter did not load");
    Outcome::Errnos(page[..calls.len()].iter().map(|&b| i32::from(b)).collect())
}

fn errnos<const N: usize>(expected: [i32; N]) -> Outcome {
    Outcome::Errnos(expected.to_vec())
}

#[test]
fn what_is_not_named_gets_eperm_and_what_is_named_passes() {
    let exact = profile(
        Action::Errno,
        X86,
        vec![
            rule(&["exit_group", "getpid"], Action::Allow, None),
            rule(&["clone3"], Action::Errno, Some(38)),
        ],
    );
    let calls = [
        Call::Native(libc::SYS_getppid),
        Call::Native(libc::SYS_getpid),
        Call::Native(libc::SYS_clone3),
    ];
    assert_eq!(
        under(&exact, &calls),
        errnos([libc::EPERM, 0, libc::ENOSYS])
    );
}

#[test]
fn the_open_filter_closes_clone3_and_io_uring_only() {
    let calls = [
        Call::Native(libc::SYS_getppid),
        Call::Native(libc::SYS_clone3),
        Call::Native(libc::SYS_io_uring_setup),
        Call::Native(libc::SYS_faccessat2),
    ];
    assert_eq!(
        under(&Profile::open(), &calls),
        errnos([0, libc::ENOSYS, libc::EPERM, libc::EINVAL])
    );
}

#[test]
fn i386_calls_are_judged_by_their_own_numbers() {
    // 20 is getpid and 64 getppid for i386; native 20 is writev, 64 semget.
    let one = profile(
        Action::Errno,
        X86,
        vec![rule(&["exit_group", "getpid"], Action::Allow, None)],
    );
    let calls = [Call::I386(20), Call::I386(64)];
    assert_eq!(under(&one, &calls), errnos([0, libc::EPERM]));
}

#[test]
fn a_call_that_only_i386_has_can_be_named() {
    // 7 is waitpid, which x86_64 does not have: with the registers as they are it finds no child.
    let names = |allowed: &[&str]| {
        profile(
            Action::Errno,
            X86,
            vec![
                rule(&["exit_group"], Action::Allow, None),
                rule(allowed, Action::Allow, None),
            ],
        )
    };
    let calls = [Call::I386(7)];
    assert_eq!(under(&names(&["getpid"]), &calls), errnos([libc::EPERM]));
    let Outcome::Errnos(allowed) = under(&names(&["waitpid"]), &calls) else {
        panic!("killed")
    };
    assert_ne!(allowed, [libc::EPERM]);
}

#[test]
fn an_architecture_that_is_not_listed_is_killed() {
    let native_only = profile(
        Action::Errno,
        &["SCMP_ARCH_X86_64"],
        vec![rule(&["exit_group", "getpid"], Action::Allow, None)],
    );
    assert_eq!(
        under(&native_only, &[Call::I386(20)]),
        Outcome::Signal(libc::SIGSYS)
    );
}

#[test]
fn the_native_architecture_belongs_to_every_filter() {
    let names = || vec![rule(&["exit_group", "getpid"], Action::Allow, None)];
    for architectures in [&[][..], &["SCMP_ARCH_X86"]] {
        let calls = [
            Call::Native(libc::SYS_getpid),
            Call::Native(libc::SYS_getppid),
        ];
        assert_eq!(
            under(&profile(Action::Errno, architectures, names()), &calls),
            errnos([0, libc::EPERM])
        );
    }
}

#[test]
fn above_the_highest_number_named_the_answer_is_enosys() {
    let x86_64 = &["SCMP_ARCH_X86_64"];
    let names = |highest: &str| {
        profile(
            Action::Errno,
            x86_64,
            vec![rule(&["exit_group", highest], Action::Allow, None)],
        )
    };
    // clone3 is 435, faccessat2 439, exit_group 231.
    let clone3 = [Call::Native(libc::SYS_clone3)];
    assert_eq!(under(&names("exit_group"), &clone3), errnos([libc::ENOSYS]));
    assert_eq!(under(&names("faccessat2"), &clone3), errnos([libc::EPERM]));
    // i386's own highest is its own: exit_group is 252 there, statx 383.
    let i386 = profile(
        Action::Errno,
        X86,
        vec![rule(&["exit_group", "faccessat2"], Action::Allow, None)],
    );
    assert_eq!(
        under(&i386, &[Call::I386(435), Call::I386(440)]),
        errnos([libc::EPERM, libc::ENOSYS])
    );
}

#[test]
fn x32_numbers_have_their_own_highest() {
    let x32 = |architectures: &[&str]| {
        profile(
            Action::Errno,
            architectures,
            vec![rule(&["exit_group"], Action::Allow, None)],
        )
    };
    let bit = libc::c_long::from(profiler_common::X32_BIT);
    let calls = [
        Call::Native(bit + libc::SYS_getppid),
        Call::Native(bit + libc::SYS_clone3),
    ];
    assert_eq!(
        under(&x32(X86), &calls),
        errnos([libc::EPERM, libc::ENOSYS])
    );
    // Not listed: libseccomp kills x32 calls, and the stub must not answer before it.
    assert_eq!(
        under(&x32(&["SCMP_ARCH_X86_64"]), &calls[1..]),
        Outcome::Signal(libc::SIGSYS)
    );
}

#[test]
fn a_default_that_allows_has_no_stub() {
    let open = profile(
        Action::Allow,
        X86,
        vec![rule(&["getppid"], Action::Errno, None)],
    );
    assert_eq!(
        under(&open, &[Call::Native(libc::SYS_faccessat2)]),
        errnos([libc::EINVAL])
    );
}

#[test]
fn killing_actions_kill() {
    for action in [Action::KillThread, Action::KillProcess, Action::Trap] {
        let closed = profile(
            action,
            X86,
            vec![rule(&["exit_group", "rt_sigreturn"], Action::Allow, None)],
        );
        assert_eq!(
            under(&closed, &[Call::Native(libc::SYS_getppid)]),
            Outcome::Signal(libc::SIGSYS),
            "{action:?}"
        );
    }
}

#[test]
fn arguments_are_compared() {
    let mut masked = rule(&["umask"], Action::Allow, None);
    masked.args = vec![Comparison {
        index: 0,
        value: 0xffff_ff00,
        value_two: 0,
        op: Operator::MaskedEqual,
    }];
    let exit = rule(&["exit_group"], Action::Allow, None);
    let calls = [
        Call::With(libc::SYS_umask, 0o22),
        Call::With(libc::SYS_umask, 0o777),
    ];
    assert_eq!(
        under(
            &profile(Action::Errno, X86, vec![masked.clone(), exit.clone()]),
            &calls
        ),
        errnos([0, libc::EPERM])
    );

    let equal = |value| Comparison {
        index: 0,
        value,
        value_two: 0,
        op: Operator::Equal,
    };
    masked.args = vec![equal(0o22), equal(0o77)];
    let calls = [
        Call::With(libc::SYS_umask, 0o22),
        Call::With(libc::SYS_umask, 0o77),
        Call::With(libc::SYS_umask, 0o777),
    ];
    assert_eq!(
        under(&profile(Action::Errno, X86, vec![masked, exit]), &calls),
        errnos([0, 0, libc::EPERM]),
        "two conditions on one argument mean either"
    );
}

#[test]
fn a_rule_that_repeats_the_default_is_skipped_and_so_is_an_unknown_name() {
    let repeated = profile(
        Action::Errno,
        X86,
        vec![
            rule(&["exit_group", "no_such_call"], Action::Allow, None),
            rule(&["getppid"], Action::Errno, Some(1)),
        ],
    );
    assert_eq!(compile(&repeated).unwrap().unknown, ["no_such_call"]);
    assert_eq!(
        under(&repeated, &[Call::Native(libc::SYS_getppid)]),
        errnos([libc::EPERM])
    );
}

/// The kernel cuts umask's argument to 32 bits, and the filter compares 64.
#[test]
fn a_bit_above_gets_round_a_comparison_without_a_mask() {
    const OPEN: &str = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
        [{"names": ["umask"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, ARGS}]}]}"#;
    let open = |args| serde_json::from_str(&OPEN.replace("ARGS", args)).unwrap();
    let calls = [0o77, 1 << 32 | 0o77].map(|mask| Call::With(libc::SYS_umask, mask));
    let unmasked = open(r#""value": 63, "op": "SCMP_CMP_EQ""#);
    assert_eq!(under(&unmasked, &calls), errnos([libc::EPERM, 0]));
    let masked = open(r#""value": 4294967295, "valueTwo": 63, "op": "SCMP_CMP_MASKED_EQ""#);
    assert_eq!(under(&masked, &calls), errnos([libc::EPERM; 2]));
}

#[test]
fn what_runc_refuses_is_refused_with_its_name() {
    let with = |architecture: &str, rules| profile(Action::Errno, &[architecture], rules);
    let message = |broken: Profile| compile(&broken).err().unwrap().to_string();
    assert!(message(with("SCMP_ARCH_VAX", vec![])).contains("SCMP_ARCH_VAX"));
    // Big-endian beside little-endian.
    assert!(message(with("SCMP_ARCH_S390X", vec![])).contains("SCMP_ARCH_S390X"));
    let mut seventh = rule(&["read"], Action::Allow, None);
    seventh.args = vec![Comparison {
        index: 6,
        value: 0,
        value_two: 0,
        op: Operator::Equal,
    }];
    assert!(message(with("SCMP_ARCH_X86", vec![seventh])).contains("argument 6"));
    assert!(matches!(
        compile(&with(
            "SCMP_ARCH_X86",
            vec![rule(&[""], Action::Allow, None)]
        )),
        Err(CompileError::EmptyName)
    ));
}

#[test]
fn the_library_names_its_version() {
    let version = compile(&Profile::open()).unwrap().library_version;
    assert!(version.starts_with("2."), "{version}");
}

/// runc leaves the stub out where the default says ENOSYS itself
/// (<https://github.com/opencontainers/runc/blob/v1.1.5/libcontainer/seccomp/patchbpf/enosys_linux.go#L541>):
/// an i386 socket stands above what counts as the highest number there.
#[test]
fn a_default_of_enosys_has_no_stub() {
    let allowed = vec![rule(&["exit_group", "accept4"], Action::Allow, None)];
    let mut enosys = profile(Action::Errno, X86, allowed);
    let accept4 = [Call::I386(364)];
    assert_eq!(under(&enosys, &accept4), errnos([libc::ENOSYS]));
    enosys.default_errno_ret = Some(libc::ENOSYS.unsigned_abs());
    assert_ne!(under(&enosys, &accept4), errnos([libc::ENOSYS]));
}
