//! Where the running kernel keeps the fields that the BPF programs read.

/// Byte offsets, resolved from the kernel's BTF and set as read-only globals before loading:
/// Rust cannot emit CO-RE relocations, and a frozen read-only global is a constant to the
/// verifier, so the loads stay typed BTF loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct KernelLayout {
    /// task_struct.thread_info.status, u32
    pub task_status: u32,
    /// task_struct.seccomp.mode, int
    pub task_seccomp_mode: u32,
    /// task_struct.pid, int: what user space calls a thread id
    pub task_pid: u32,
    /// task_struct.tgid, int: what user space calls a pid
    pub task_tgid: u32,
    /// task_struct.real_cred, pointer
    pub task_real_cred: u32,
    /// task_struct.atomic_flags, unsigned long
    pub task_atomic_flags: u32,
    /// task_struct.mm, pointer to mm_struct
    pub task_mm: u32,
    /// task_struct.nsproxy, pointer to nsproxy
    pub task_nsproxy: u32,
    /// nsproxy.mnt_ns, pointer to mnt_namespace
    pub nsproxy_mnt_ns: u32,
    /// mnt_namespace.ns.inum, unsigned int
    pub mnt_namespace_inum: u32,
    /// mm_struct.arg_start, unsigned long
    pub mm_arg_start: u32,
    /// mm_struct.arg_end, unsigned long
    pub mm_arg_end: u32,
    /// task_struct.cgroups, pointer to css_set
    pub task_cgroups: u32,
    /// task_struct.signal, pointer to signal_struct
    pub task_signal: u32,
    /// signal_struct.live, atomic_t
    pub signal_live: u32,
    /// css_set.dfl_cgrp, pointer to cgroup
    pub css_set_dfl_cgrp: u32,
    /// cgroup.kn, pointer to kernfs_node
    pub cgroup_kn: u32,
    /// cgroup.root, pointer to cgroup_root
    pub cgroup_root: u32,
    /// cgroup_root.hierarchy_id, int
    pub cgroup_root_hierarchy_id: u32,
    /// kernfs_node.id, u64
    pub kernfs_node_id: u32,
    /// kernfs_node.__parent (kernfs_node.parent before 6.15), pointer
    pub kernfs_node_parent: u32,
    /// cred.user_ns, pointer
    pub cred_user_ns: u32,
    /// cred.cap_bset, u64
    pub cred_cap_bset: u32,
    /// linux_binprm.secureexec, one bit: its offset in bits
    pub binprm_secureexec_bit: u32,
    /// linux_binprm.filename, pointer to char
    pub binprm_filename: u32,
}
