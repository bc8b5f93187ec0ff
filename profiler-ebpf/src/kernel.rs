//! Typed looks into kernel structures: offsets come from [`KernelLayout`], loads are the
//! verifier's checked BTF loads, and nothing needs bpf_probe_read.

use aya_ebpf::helpers::{bpf_get_current_task_btf, bpf_task_pt_regs};
use profiler_common::{Abi, KernelLayout, X32_BIT};

/// Set by the loader; zeroes would read the wrong fields, so the loader insists on it.
#[unsafe(no_mangle)]
pub static LAYOUT: KernelLayout = KernelLayout {
    task_status: 0,
    task_seccomp_mode: 0,
    task_pid: 0,
    task_tgid: 0,
    task_real_cred: 0,
    task_atomic_flags: 0,
    task_mm: 0,
    task_nsproxy: 0,
    nsproxy_mnt_ns: 0,
    mnt_namespace_inum: 0,
    mm_arg_start: 0,
    mm_arg_end: 0,
    task_cgroups: 0,
    task_signal: 0,
    signal_live: 0,
    css_set_dfl_cgrp: 0,
    cgroup_kn: 0,
    cgroup_root: 0,
    cgroup_root_hierarchy_id: 0,
    kernfs_node_id: 0,
    kernfs_node_parent: 0,
    cred_user_ns: 0,
    cred_cap_bset: 0,
    binprm_secureexec_bit: 0,
    binprm_filename: 0,
};

/// `thread_info.status`: the call came by the i386 entry
/// (<https://elixir.bootlin.com/linux/v6.18/source/arch/x86/include/asm/thread_info.h>).
const TS_COMPAT: u32 = 2;
/// `seccomp.mode` with a filter loaded (SECCOMP_MODE_FILTER).
const MODE_FILTER: u32 = 2;
/// PFA_NO_NEW_PRIVS
/// (<https://elixir.bootlin.com/linux/v6.18/source/include/linux/sched.h>).
const NO_NEW_PRIVILEGES: u64 = 1;

/// Registers' places in pt_regs, the same on every x86_64 kernel
/// (<https://elixir.bootlin.com/linux/v6.18/source/arch/x86/include/asm/ptrace.h>).
mod register {
    pub const BP: usize = 32;
    pub const BX: usize = 40;
    pub const R10: usize = 56;
    pub const R9: usize = 64;
    pub const R8: usize = 72;
    pub const CX: usize = 88;
    pub const DX: usize = 96;
    pub const SI: usize = 104;
    pub const DI: usize = 112;
    pub const ORIG_AX: usize = 120;
}

macro_rules! offset {
    ($field:ident) => {
        // SAFETY: a static; volatile keeps the compiler from folding in the placeholder.
        unsafe { core::ptr::read_volatile(&raw const $crate::kernel::LAYOUT.$field) as usize }
    };
}
pub(crate) use offset;

/// An index below a power of two, in a way that the verifier sees.
#[inline(always)]
pub fn bounded(index: usize, length: usize) -> usize {
    // The compiler may know the bound and would leave the mask out.
    core::hint::black_box(index) & (length - 1)
}

/// A field of a structure that the verifier knows the type of.
#[inline(always)]
pub fn load<T>(base: *const u8, offset: usize) -> T {
    // SAFETY: the verifier refuses the program where the load would leave the structure.
    unsafe { core::ptr::read_volatile(base.byte_add(offset).cast()) }
}

#[derive(Clone, Copy)]
pub struct Task(*const u8);

impl Task {
    #[inline(always)]
    pub fn new(task: *const u8) -> Self {
        Self(task)
    }

    #[inline(always)]
    pub fn current() -> Self {
        // SAFETY: the helper has no preconditions.
        Self(unsafe { bpf_get_current_task_btf() }.cast_const().cast())
    }

    #[inline(always)]
    pub fn process(self) -> u32 {
        load(self.0, offset!(task_tgid))
    }

    #[inline(always)]
    pub fn thread(self) -> u32 {
        load(self.0, offset!(task_pid))
    }

    #[inline(always)]
    pub fn is_filtered(self) -> bool {
        self.seccomp_mode() == MODE_FILTER
    }

    #[inline(always)]
    pub fn seccomp_mode(self) -> u32 {
        load(self.0, offset!(task_seccomp_mode))
    }

    #[inline(always)]
    pub fn is_compat(self) -> bool {
        load::<u32>(self.0, offset!(task_status)) & TS_COMPAT != 0
    }

    /// Threads of the process that have not begun to exit.
    #[inline(always)]
    pub fn live_threads(self) -> i32 {
        load(
            load::<*const u8>(self.0, offset!(task_signal)),
            offset!(signal_live),
        )
    }

    #[inline(always)]
    pub fn real_cred(self) -> *const u8 {
        load(self.0, offset!(task_real_cred))
    }

    #[inline(always)]
    pub fn has_no_new_privileges(self) -> bool {
        load::<u64>(self.0, offset!(task_atomic_flags)) & NO_NEW_PRIVILEGES != 0
    }

    #[inline(always)]
    pub fn bounding_set(self) -> u64 {
        load(self.real_cred(), offset!(cred_cap_bset))
    }

    /// Its inode number.
    #[inline(always)]
    pub fn mount_namespace(self) -> u32 {
        let nsproxy: *const u8 = load(self.0, offset!(task_nsproxy));
        if nsproxy.is_null() {
            // An exiting task has none.
            return 0;
        }
        let namespace: *const u8 = load(nsproxy, offset!(nsproxy_mnt_ns));
        load(namespace, offset!(mnt_namespace_inum))
    }

    /// Where the command line lies in user memory, and its length.
    #[inline(always)]
    pub fn command_line(self) -> (u64, u64) {
        let mm: *const u8 = load(self.0, offset!(task_mm));
        if mm.is_null() {
            return (0, 0);
        }
        let start: u64 = load(mm, offset!(mm_arg_start));
        let end: u64 = load(mm, offset!(mm_arg_end));
        (start, end.saturating_sub(start))
    }

    /// In the v2 hierarchy.
    #[inline(always)]
    pub fn cgroup(self) -> Cgroup {
        let css_set: *const u8 = load(self.0, offset!(task_cgroups));
        Cgroup(load(css_set, offset!(css_set_dfl_cgrp)))
    }

    #[inline(always)]
    pub fn registers(self) -> Registers {
        // SAFETY: the verifier holds the task trusted.
        Registers(unsafe { bpf_task_pt_regs(self.0.cast_mut().cast()) } as *const u8)
    }

    /// The table that a call number of this task belongs to, and the number in it.
    #[inline(always)]
    pub fn call(self, number: i32) -> Call {
        if self.is_compat() {
            Call {
                abi: Abi::I386,
                number,
            }
        } else if number >= 0 && number as u32 & X32_BIT != 0 {
            Call {
                abi: Abi::X32,
                number: (number as u32 & !X32_BIT) as i32,
            }
        } else {
            Call {
                abi: Abi::X86_64,
                number,
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub abi: Abi,
    pub number: i32,
}

#[derive(Clone, Copy)]
pub struct Registers(*const u8);

impl Registers {
    #[inline(always)]
    pub fn new(regs: *const u8) -> Self {
        Self(regs)
    }

    #[inline(always)]
    pub fn call_number(self) -> i32 {
        load::<i64>(self.0, register::ORIG_AX) as i32
    }

    /// The lower half of an argument, by index, of an x86_64 or x32 call.
    #[inline(always)]
    pub fn argument(self, index: u8) -> u32 {
        let at = |place| load::<u32>(self.0, place);
        match index {
            0 => at(register::DI),
            1 => at(register::SI),
            2 => at(register::DX),
            3 => at(register::R10),
            4 => at(register::R8),
            _ => at(register::R9),
        }
    }

    #[inline(always)]
    pub fn arguments(self, abi: Abi) -> [u64; 6] {
        use register::{BP, BX, CX, DI, DX, R8, R9, R10, SI};
        let at = |place| load::<u64>(self.0, place);
        match abi {
            Abi::I386 => [at(BX), at(CX), at(DX), at(SI), at(DI), at(BP)],
            Abi::X86_64 | Abi::X32 => [at(DI), at(SI), at(DX), at(R10), at(R8), at(R9)],
        }
    }
}

#[derive(Clone, Copy)]
pub struct Cgroup(*const u8);

impl Cgroup {
    #[inline(always)]
    pub fn new(cgroup: *const u8) -> Self {
        Self(cgroup)
    }

    /// Ids are unique in one hierarchy only.
    #[inline(always)]
    pub fn is_v2(self) -> bool {
        let root: *const u8 = load(self.0, offset!(cgroup_root));
        load::<i32>(root, offset!(cgroup_root_hierarchy_id)) == 0
    }

    #[inline(always)]
    pub fn id(self) -> u64 {
        load(self.node(), offset!(kernfs_node_id))
    }

    /// `None` for the root.
    #[inline(always)]
    pub fn parent_id(self) -> Option<u64> {
        let parent: *const u8 = load(self.node(), offset!(kernfs_node_parent));
        (!parent.is_null()).then(|| load(parent, offset!(kernfs_node_id)))
    }

    #[inline(always)]
    fn node(self) -> *const u8 {
        load(self.0, offset!(cgroup_kn))
    }
}
