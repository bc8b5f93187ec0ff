//! Whether a capability check decided anything, by the table in `profiles/`.
//!
//! A rule of thumb with its reason, not a proof: that is dropping the capability and running again.

use super::tables::{CHECKS, CheckRule, Verdict};
use crate::recording::CapabilityCheck;

/// The first line that fits decides; what no line knows counts as needed.
pub fn opportunistic(check: &CapabilityCheck) -> Option<&'static str> {
    let by_symbols = CHECKS.rules.iter();
    let by_call = CHECKS
        .without_symbols
        .iter()
        .filter(|_| check.stack.is_empty());
    by_symbols
        .chain(by_call)
        .find(|rule| fits(rule, check))
        .filter(|rule| rule.verdict == Verdict::Opportunistic)
        .map(|rule| rule.reason.as_str())
}

fn fits(rule: &CheckRule, check: &CapabilityCheck) -> bool {
    let call_fits = rule.syscalls.is_empty()
        || check
            .syscall
            .as_ref()
            .is_some_and(|name| rule.syscalls.contains(name));
    rule.capability == check.capability && call_fits && in_order(&rule.stack, &check.stack)
}

/// Compilers split functions (`f.isra.0`, `f.part.0`); the table names whole ones.
fn in_order(wanted: &[String], stack: &[String]) -> bool {
    let mut stack = stack
        .iter()
        .map(|name| name.split('.').next().unwrap_or(name));
    wanted
        .iter()
        .all(|function| stack.any(|name| name == function))
}

#[cfg(test)]
mod tests {
    use super::opportunistic;
    use crate::recording::CapabilityCheck;

    fn check(capability: &str, syscall: &str, stack: &[&str]) -> CapabilityCheck {
        CapabilityCheck {
            capability: capability.to_owned(),
            granted: true,
            syscall: Some(syscall.to_owned()),
            architecture: "SCMP_ARCH_X86_64".to_owned(),
            own_namespace: true,
            own_credentials: true,
            stack: stack.iter().map(|&name| name.to_owned()).collect(),
            callers: Vec::new(),
        }
    }

    /// Stacks as Linux 6.18 shows them.
    #[test]
    fn what_the_kernel_asks_on_its_own_account_is_told_apart() {
        for (capability, syscall, stack) in [
            (
                "CAP_SYS_ADMIN",
                "mmap",
                &["security_vm_enough_memory_mm", "__mmap_region", "do_mmap"][..],
            ),
            (
                "CAP_SYS_ADMIN",
                "clone",
                &["security_vm_enough_memory_mm", "dup_mmap", "copy_process"],
            ),
            (
                "CAP_SYSLOG",
                "openat",
                &["kallsyms_show_value", "kallsyms_open"],
            ),
            (
                "CAP_SYS_RESOURCE",
                "write",
                &[
                    "has_capability_noaudit",
                    "__set_oom_adj.isra.0",
                    "oom_score_adj_write",
                ],
            ),
            (
                "CAP_NET_ADMIN",
                "openat",
                &["ns_capable_noaudit", "net_ctl_permissions", "sysctl_perm"],
            ),
            ("CAP_BLOCK_SUSPEND", "epoll_ctl", &["__x64_sys_epoll_ctl"]),
            (
                "CAP_DAC_OVERRIDE",
                "openat",
                &[
                    "capable_wrt_inode_uidgid",
                    "generic_permission",
                    "proc_fd_permission",
                    "inode_permission",
                ],
            ),
            (
                "CAP_SETPCAP",
                "capset",
                &["cap_capset", "security_capset", "__do_sys_capset"],
            ),
        ] {
            assert!(
                opportunistic(&check(capability, syscall, stack)).is_some(),
                "{capability} in {syscall}"
            );
        }
    }

    #[test]
    fn what_decides_is_needed() {
        for (capability, syscall, stack) in [
            // The same call and capability as the overcommit check above.
            (
                "CAP_SYS_ADMIN",
                "clone",
                &["copy_namespaces", "copy_process"][..],
            ),
            ("CAP_SYS_ADMIN", "mount", &["may_mount", "path_mount"]),
            (
                "CAP_SYS_RESOURCE",
                "write",
                &["__set_oom_adj", "oom_score_adj_write"],
            ),
            (
                "CAP_SYS_PTRACE",
                "read",
                &["ptrace_may_access", "environ_read"],
            ),
            ("CAP_CHOWN", "mmap", &["security_vm_enough_memory_mm"]),
            // Needed, and no symbols to tell by.
            ("CAP_SETUID", "setuid", &[]),
            ("CAP_SYS_ADMIN", "unshare", &[]),
        ] {
            assert_eq!(
                opportunistic(&check(capability, syscall, stack)),
                None,
                "{capability} in {syscall}"
            );
        }
    }

    #[test]
    fn without_symbols_the_call_decides() {
        assert!(opportunistic(&check("CAP_SYS_ADMIN", "brk", &[])).is_some());
        assert!(
            opportunistic(&check("CAP_SYS_ADMIN", "brk", &["do_brk_flags"])).is_none(),
            "a stack that was read says more than the call"
        );
    }
}
