//! System call and capability names, by number.

mod architectures;
mod libseccomp;
mod machine;

pub use architectures::{ArchitectureSince, architecture_since};
pub use libseccomp::{LibseccompVersion, NoVersion, known_to_libseccomp, libseccomp_since};
pub use machine::exists;

use std::collections::BTreeSet;

use profiler_common::Abi;

/// x32's own calls; the rest of its table is x86_64's
/// (<https://github.com/torvalds/linux/blob/v6.18/arch/x86/entry/syscalls/syscall_64.tbl>).
const X32_ONLY: [(u32, &str); 36] = [
    (512, "rt_sigaction"),
    (513, "rt_sigreturn"),
    (514, "ioctl"),
    (515, "readv"),
    (516, "writev"),
    (517, "recvfrom"),
    (518, "sendmsg"),
    (519, "recvmsg"),
    (520, "execve"),
    (521, "ptrace"),
    (522, "rt_sigpending"),
    (523, "rt_sigtimedwait"),
    (524, "rt_sigqueueinfo"),
    (525, "sigaltstack"),
    (526, "timer_create"),
    (527, "mq_notify"),
    (528, "kexec_load"),
    (529, "waitid"),
    (530, "set_robust_list"),
    (531, "get_robust_list"),
    (532, "vmsplice"),
    (533, "move_pages"),
    (534, "preadv"),
    (535, "pwritev"),
    (536, "rt_tgsigqueueinfo"),
    (537, "recvmmsg"),
    (538, "sendmmsg"),
    (539, "process_vm_readv"),
    (540, "process_vm_writev"),
    (541, "setsockopt"),
    (542, "getsockopt"),
    (543, "io_setup"),
    (544, "io_submit"),
    (545, "execveat"),
    (546, "preadv2"),
    (547, "pwritev2"),
];

/// Calls of x86_64 that x32 lacks, beside those it has at numbers of its own: `64` in the same table.
const X32_LACKS: [&str; 14] = [
    "uselib",
    "_sysctl",
    "create_module",
    "get_kernel_syms",
    "query_module",
    "nfsservctl",
    "set_thread_area",
    "get_thread_area",
    "epoll_ctl_old",
    "epoll_wait_old",
    "vserver",
    "uretprobe",
    "uprobe",
    "map_shadow_stack",
];

/// By number, CAP_CHOWN first
/// (<https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/capability.h>).
pub const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// As libseccomp and the OCI specification spell it.
pub const fn architecture(abi: Abi) -> &'static str {
    match abi {
        Abi::X86_64 => "SCMP_ARCH_X86_64",
        Abi::I386 => "SCMP_ARCH_X86",
        Abi::X32 => "SCMP_ARCH_X32",
    }
}

/// The call's name; a number that has none is its own name, in decimal.
pub fn syscall(abi: Abi, number: i32) -> String {
    known_syscall(abi, number).map_or_else(|| number.to_string(), str::to_owned)
}

/// The call's name, where the number has one.
pub fn known_syscall(abi: Abi, number: i32) -> Option<&'static str> {
    let index = usize::try_from(number).ok()?;
    match abi {
        Abi::X86_64 => syscalls::x86_64::Sysno::new(index).map(|s| s.name()),
        Abi::I386 => syscalls::x86::Sysno::new(index).map(i386_name),
        Abi::X32 => X32_ONLY
            .iter()
            .find(|(own, _)| usize::try_from(*own) == Ok(index))
            .map(|(_, name)| *name)
            // At x86_64's number x32 has no call that it has at another, or lacks.
            .or_else(|| {
                let name = syscalls::x86_64::Sysno::new(index)?.name();
                (self::number(Abi::X32, name) == u32::try_from(index).ok()).then_some(name)
            }),
    }
}

/// The crate spells `break` as Rust has to.
fn i386_name(call: syscalls::x86::Sysno) -> &'static str {
    let name = call.name();
    name.strip_prefix("r#").unwrap_or(name)
}

/// Without x32's bit; `None` where the ABI has no such call.
pub fn number(abi: Abi, name: &str) -> Option<u32> {
    let x86_64 = || name.parse::<syscalls::x86_64::Sysno>().ok();
    let number = match abi {
        Abi::X86_64 => x86_64()?.id(),
        Abi::I386 => {
            let spelled = if name == "break" { "r#break" } else { name };
            let call: syscalls::x86::Sysno = spelled.parse().ok()?;
            (i386_name(call) == name).then_some(call)?.id()
        }
        Abi::X32 => match X32_ONLY.iter().find(|(_, own)| *own == name) {
            Some((number, _)) => return Some(*number),
            None if X32_LACKS.contains(&name) => return None,
            None => x86_64()?.id(),
        },
    };
    u32::try_from(number).ok()
}

/// The name of every call of every architecture.
pub fn syscalls() -> BTreeSet<&'static str> {
    // By number, as the crate's own iterator leaves the last call out.
    let x86_64 = (0..syscalls::x86_64::Sysno::table_size())
        .filter_map(syscalls::x86_64::Sysno::new)
        .map(|call| call.name());
    let i386 = (0..syscalls::x86::Sysno::table_size())
        .filter_map(syscalls::x86::Sysno::new)
        .map(i386_name);
    // x32 has names of x86_64 only.
    x86_64.chain(i386).collect()
}

/// With `CAP_`; a number without a name is its own name, in decimal.
pub fn capability(number: u8) -> String {
    CAPABILITIES
        .get(usize::from(number))
        .map_or_else(|| number.to_string(), |&name| name.to_owned())
}

/// A set, by bit; the lowest first.
pub fn capabilities(set: u64) -> Vec<String> {
    let is_in = |bit: &u8| set & (1 << bit) != 0;
    (0..64).filter(is_in).map(capability).collect()
}

#[cfg(test)]
mod tests {
    use super::{Abi, X32_ONLY, capability, known_syscall, number, syscall, syscalls};

    #[test]
    fn each_table_has_its_own_numbers() {
        assert_eq!(syscall(Abi::X86_64, 20), "writev");
        assert_eq!(syscall(Abi::I386, 20), "getpid");
        assert_eq!(syscall(Abi::I386, 17), "break");
        assert_eq!(syscall(Abi::I386, 102), "socketcall");
        assert_eq!(syscall(Abi::X32, 39), "getpid");
        assert_eq!(syscall(Abi::X32, 520), "execve");
        assert_eq!(syscall(Abi::X32, 59), "59");
        assert_eq!(syscall(Abi::X32, 134), "134");
        assert_eq!(syscall(Abi::I386, 403), "clock_gettime64");
    }

    #[test]
    fn every_call_that_has_a_name_is_listed() {
        let all = syscalls();
        assert!(
            ["connect", "socketcall", "clock_gettime64"]
                .iter()
                .all(|name| all.contains(name))
        );
        assert!(X32_ONLY.iter().all(|(_, name)| all.contains(name)));
        // The last of its table.
        assert!(all.contains("file_setattr"));
    }

    #[test]
    fn names_and_numbers_are_one_table() {
        for abi in Abi::ALL {
            let named = (0..1000).filter_map(|id| Some((id, known_syscall(abi, id)?)));
            let mut count = 0;
            for (id, name) in named {
                if let Some(found) = number(abi, name) {
                    assert_eq!(
                        known_syscall(abi, i32::try_from(found).unwrap()),
                        Some(name)
                    );
                    count += 1;
                    // x32 has some twice.
                    assert!(
                        abi == Abi::X32 || found == u32::try_from(id).unwrap(),
                        "{name}"
                    );
                }
            }
            assert!(count > 350, "{count}");
        }
    }

    #[test]
    fn a_name_has_a_number_where_the_abi_has_the_call() {
        let numbers = |name| Abi::ALL.map(|abi| number(abi, name));
        assert_eq!(numbers("getpid"), [Some(39), Some(20), Some(39)]);
        assert_eq!(numbers("execve"), [Some(59), Some(11), Some(520)]);
        assert_eq!(numbers("waitpid"), [None, Some(7), None]);
        assert_eq!(numbers("uselib"), [Some(134), Some(86), None]);
        assert_eq!(numbers("break"), [None, Some(17), None]);
        assert_eq!(numbers("file_setattr"), [Some(469); 3]);
        assert_eq!(numbers("no_such_call"), [None; 3]);
        assert_eq!(numbers("r#break"), [None; 3]);
    }

    #[test]
    fn a_number_without_a_name_is_kept() {
        assert_eq!(syscall(Abi::X86_64, 1000), "1000");
        assert_eq!(syscall(Abi::X86_64, -1), "-1");
        assert_eq!(capability(40), "CAP_CHECKPOINT_RESTORE");
        assert_eq!(capability(60), "60");
    }
}
