//! Calls that the filter answered instead of the kernel; watched while verifying only.
//!
//! Seccomp runs before sys_enter, so a refused call shows as an exit without its entry. Other
//! exits look the same and are told apart: a fork's child, an exec by another thread or of
//! another ABI, rt_sigreturn. The cases are those of DENIALS in ARCHITECTURE.md.

use aya_ebpf::helpers::{bpf_get_current_comm, bpf_ktime_get_boot_ns};
use aya_ebpf::macros::map;
use aya_ebpf::maps::HashMap;
use core::intrinsics::{AtomicOrdering, atomic_xadd};
use profiler_common::{Abi, DenialKey, DenialSeen, EXE_LEN, Loss};

use crate::calls::VERIFY;
use crate::kernel::{Call, Registers, Task};
use crate::{loss, process, scope};

/// Thread → the call that it is in.
#[map]
static IN_FLIGHT: HashMap<u32, u64> = HashMap::with_max_entries(65_536, 0);

#[map]
static DENIALS: HashMap<DenialKey, DenialSeen> = HashMap::with_max_entries(4096, 0);

/// In flight: an exec that succeeded. Its exit may come from another thread id (the leader's) and
/// under another ABI's number.
const EXECED: u64 = u64::MAX;

const fn packed(call: Call) -> u64 {
    (call.abi as u64) << 32 | call.number as u32 as u64
}

/// exit and exit_group have no sys_exit to take them out again.
const fn never_returns(call: Call) -> bool {
    matches!(
        (call.abi, call.number),
        (Abi::X86_64 | Abi::X32, 60 | 231) | (Abi::I386, 1 | 252)
    )
}

/// fork, vfork, clone, clone3
const fn makes_tasks(call: Call) -> bool {
    matches!(
        (call.abi, call.number),
        (Abi::X86_64 | Abi::X32, 56 | 57 | 58 | 435) | (Abi::I386, 2 | 120 | 190 | 435)
    )
}

#[inline(always)]
pub fn entered(task: Task, call: Call) {
    if !never_returns(call) && IN_FLIGHT.insert(task.thread(), packed(call), 0).is_err() {
        loss::count(Loss::InFlight);
    }
}

pub fn execed(task: Task) {
    if VERIFY.load() != 0
        && process::of(task.process()).is_some()
        && IN_FLIGHT.insert(task.thread(), EXECED, 0).is_err()
    {
        loss::count(Loss::InFlight);
    }
}

pub fn ended(task: Task) {
    if VERIFY.load() != 0 {
        // Most threads are in no scope.
        let _ = IN_FLIGHT.remove(task.thread());
    }
}

pub fn exit(registers: *const u8, result: i64) {
    let Some(slot) = scope::of_current() else {
        return;
    };
    let task = Task::current();
    let thread = task.thread();
    // SAFETY: one word, written by this thread alone.
    let in_flight = unsafe { IN_FLIGHT.get(&thread) }.copied();
    if in_flight.is_some() {
        let _ = IN_FLIGHT.remove(thread);
    }
    let number = Registers::new(registers).call_number();
    let call = task.call(number);
    if in_flight == Some(EXECED) || in_flight == Some(packed(call)) {
        return;
    }
    // rt_sigreturn, and what a tracer cancelled, leave -1.
    if number == -1 || task.seccomp_mode() == 0 || (makes_tasks(call) && result == 0) {
        return;
    }
    denied(slot, task, call, result as i32);
}

fn denied(slot: u32, task: Task, call: Call, result: i32) {
    let process = process::of(task.process());
    let key = DenialKey {
        slot,
        number: call.number,
        result,
        abi: call.abi as u8,
        phase: process::phase_of(process) as u8,
        reserved: [0; 2],
        comm: bpf_get_current_comm().unwrap_or_default(),
    };
    if let Some(seen) = DENIALS.get_ptr_mut(&key) {
        // SAFETY: checked for null; a counter. SeqCst, as LLVM miscompiles relaxed ones
        // (llvm-project#210280).
        unsafe {
            atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(&raw mut (*seen).count, 1);
        }
        return;
    }
    let seen = DenialSeen {
        // SAFETY: the helper has no preconditions.
        time_ns: unsafe { bpf_ktime_get_boot_ns() },
        count: 1,
        process: task.process(),
        thread: task.thread(),
        exe: match process {
            // SAFETY: checked for null.
            Some(process) => unsafe { (*process).exe },
            None => [0; EXE_LEN],
        },
    };
    if DENIALS.insert(&key, &seen, 0).is_err() {
        loss::count(Loss::Denials);
    }
}
