//! Stacks as Linux 6.18 shows them.

use super::{asker, dispensable, judge};
use crate::capabilities::Verdict;
use crate::recording::CapabilityCheck;

fn check(capability: &str, syscall: &str, stack: &str) -> CapabilityCheck {
    CapabilityCheck {
        capability: capability.to_owned(),
        granted: true,
        syscall: Some(syscall.to_owned()),
        architecture: "SCMP_ARCH_X86_64".to_owned(),
        own_namespace: true,
        own_credentials: true,
        no_audit: None,
        stack: stack.split_whitespace().map(str::to_owned).collect(),
        callers: Vec::new(),
    }
}

fn assert_all(verdict: Verdict, checks: &[(&str, &str, &str)]) {
    for (capability, syscall, stack) in checks {
        let check = check(capability, syscall, stack);
        assert_eq!(judge(&check).verdict, verdict, "{capability} in {syscall}");
    }
}

#[test]
fn what_the_kernel_asks_on_its_own_account() {
    let checks = [
        (
            "CAP_SYS_ADMIN",
            "mmap",
            "security_vm_enough_memory_mm __mmap_region do_mmap",
        ),
        (
            "CAP_SYS_ADMIN",
            "clone",
            "security_vm_enough_memory_mm dup_mmap copy_process",
        ),
        ("CAP_SYSLOG", "openat", "kallsyms_show_value kallsyms_open"),
        (
            "CAP_SYS_RESOURCE",
            "write",
            "has_capability_noaudit __set_oom_adj.isra.0 oom_score_adj_write",
        ),
        (
            "CAP_NET_ADMIN",
            "openat",
            "ns_capable_noaudit net_ctl_permissions sysctl_perm",
        ),
        ("CAP_BLOCK_SUSPEND", "epoll_ctl", "__x64_sys_epoll_ctl"),
        (
            "CAP_SYS_PTRACE",
            "read",
            "ns_capable_noaudit __ptrace_may_access ptrace_may_access do_task_stat",
        ),
    ];
    assert_all(Verdict::Opportunistic, &checks);
    for (capability, syscall, stack) in checks {
        assert!(dispensable(&check(capability, syscall, stack)).is_some());
    }
}

#[test]
fn what_only_trying_tells_and_is_kept_until_then() {
    let checks = [
        ("CAP_SETUID", "setuid", "ns_capable_setid __sys_setuid"),
        ("CAP_SETGID", "setgid", "ns_capable_setid __sys_setgid"),
        ("CAP_SETUID", "setfsuid", "ns_capable_setid __sys_setfsuid"),
        (
            "CAP_FSETID",
            "chmod",
            "capable_wrt_inode_uidgid setattr_copy ext4_setattr notify_change",
        ),
        (
            "CAP_FSETID",
            "write",
            "setattr_should_drop_suidgid file_remove_privs_flags file_modified",
        ),
        (
            "CAP_KILL",
            "kill",
            "check_kill_permission check_kill_permission __kill_pgrp_info kill_something_info",
        ),
        (
            "CAP_NET_ADMIN",
            "setsockopt",
            "do_tcp_setsockopt do_sock_setsockopt __sys_setsockopt",
        ),
        ("CAP_IPC_LOCK", "mmap", "do_mmap vm_mmap_pgoff"),
        ("CAP_IPC_LOCK", "shmctl", "shmctl_do_lock ksys_shmctl"),
        (
            "CAP_SYS_NICE",
            "migrate_pages",
            "kernel_migrate_pages __x64_sys_migrate_pages",
        ),
        (
            "CAP_SYS_RESOURCE",
            "mq_open",
            "mqueue_get_inode mqueue_create_attr vfs_mkobj do_mq_open",
        ),
        (
            "CAP_SYS_PTRACE",
            "openat",
            "__ptrace_may_access ptrace_may_access mm_access proc_mem_open environ_open",
        ),
        ("CAP_SYS_ADMIN", "fanotify_init", "__do_sys_fanotify_init"),
    ];
    assert_all(Verdict::Conditional, &checks);
    for (capability, syscall, stack) in checks {
        assert_eq!(dispensable(&check(capability, syscall, stack)), None);
    }
}

#[test]
fn what_only_trying_tells_and_is_dropped_until_then() {
    let checks = [
        (
            "CAP_DAC_OVERRIDE",
            "openat",
            "capable_wrt_inode_uidgid generic_permission proc_fd_permission inode_permission",
        ),
        (
            "CAP_DAC_READ_SEARCH",
            "openat",
            "capable_wrt_inode_uidgid generic_permission proc_fd_permission inode_permission",
        ),
        (
            "CAP_SETPCAP",
            "capset",
            "cap_capset security_capset __do_sys_capset",
        ),
        // The call alone tells as much.
        ("CAP_SETPCAP", "capset", ""),
        (
            "CAP_NET_ADMIN",
            "sendto",
            "file_ns_capable netlink_net_capable tcp_diag_dump __inet_diag_dump",
        ),
    ];
    assert_all(Verdict::Conditional, &checks);
    for (capability, syscall, stack) in checks {
        assert!(dispensable(&check(capability, syscall, stack)).is_some());
    }
}

#[test]
fn what_another_capability_allows_too() {
    for (capability, syscall, stack, cover) in [
        (
            "CAP_DAC_READ_SEARCH",
            "newfstatat",
            "capable_wrt_inode_uidgid generic_permission inode_permission link_path_walk",
            "CAP_DAC_OVERRIDE",
        ),
        (
            "CAP_NET_RAW",
            "setsockopt",
            "sk_setsockopt do_sock_setsockopt __sys_setsockopt",
            "CAP_NET_ADMIN",
        ),
        (
            "CAP_SYS_ADMIN",
            "ioprio_set",
            "ioprio_check_cap __do_sys_ioprio_set",
            "CAP_SYS_NICE",
        ),
    ] {
        let judgement = judge(&check(capability, syscall, stack));
        assert_eq!(judgement.covered_by, Some(cover), "{capability}");
        assert_eq!(judgement.verdict, Verdict::Conditional);
        assert!(!judgement.is_dispensable);
    }
}

#[test]
fn what_is_refused_with_an_error_is_needed() {
    assert_all(
        Verdict::Needed,
        &[
            // The same call and capability as the overcommit check above.
            ("CAP_SYS_ADMIN", "clone", "copy_namespaces copy_process"),
            ("CAP_SYS_ADMIN", "mount", "path_mount __x64_sys_mount"),
            // Not audited, and needed: no sign of an optional check.
            ("CAP_SYS_ADMIN", "seccomp", "ns_capable_noaudit do_seccomp"),
            ("CAP_SYS_ADMIN", "prctl", "ns_capable_noaudit do_seccomp"),
            (
                "CAP_SYS_RESOURCE",
                "write",
                "__set_oom_adj oom_score_adj_write",
            ),
            (
                "CAP_SYS_PTRACE",
                "ptrace",
                "__ptrace_may_access ptrace_attach __x64_sys_ptrace",
            ),
            (
                "CAP_SETUID",
                "setresuid",
                "ns_capable_setid __sys_setresuid",
            ),
            (
                "CAP_SETGID",
                "setgroups",
                "ns_capable_setid __do_sys_setgroups",
            ),
            (
                "CAP_SETPCAP",
                "prctl",
                "cap_task_prctl security_task_prctl __do_sys_prctl",
            ),
            (
                "CAP_DAC_OVERRIDE",
                "openat",
                "capable_wrt_inode_uidgid generic_permission inode_permission may_open",
            ),
            (
                "CAP_CHOWN",
                "chown",
                "capable_wrt_inode_uidgid setattr_prepare ext4_setattr notify_change",
            ),
            (
                "CAP_KILL",
                "kill",
                "check_kill_permission check_kill_permission kill_pid_info_type",
            ),
            (
                "CAP_NET_BIND_SERVICE",
                "bind",
                "__inet_bind inet_bind_sk __sys_bind",
            ),
            ("CAP_IPC_LOCK", "mlock", "do_mlock __x64_sys_mlock"),
            ("CAP_MKNOD", "mknodat", "vfs_mknod do_mknodat"),
            // Needed, and no symbols to tell by.
            ("CAP_SETUID", "setresuid", ""),
            ("CAP_SYS_ADMIN", "unshare", ""),
        ],
    );
}

#[test]
fn what_no_rule_knows_is_needed() {
    let judgement = judge(&check("CAP_CHOWN", "mmap", "security_vm_enough_memory_mm"));
    assert_eq!(
        (judgement.verdict, judgement.source),
        (Verdict::Needed, None)
    );
}

#[test]
fn without_symbols_the_call_decides() {
    let brk = |stack| judge(&check("CAP_SYS_ADMIN", "brk", stack)).verdict;
    assert_eq!(brk(""), Verdict::Opportunistic);
    assert_eq!(
        brk("do_brk_flags"),
        Verdict::Needed,
        "a stack that was read says more than the call"
    );
}

#[test]
fn the_asker_is_not_the_question() {
    for (stack, asked_by) in [
        (
            "capable_wrt_inode_uidgid generic_permission",
            Some("generic_permission"),
        ),
        (
            "file_ns_capable netlink_net_capable rtnetlink_rcv_msg",
            Some("rtnetlink_rcv_msg"),
        ),
        ("ns_capable_setid", Some("ns_capable_setid")),
        ("", None),
    ] {
        assert_eq!(asker(&check("CAP_CHOWN", "chown", stack)), asked_by);
    }
}
