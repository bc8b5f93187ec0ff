//! Calls that the filter answered instead of the kernel; watched where the loader asks for it.
//!
//! Seccomp runs before sys_enter, so a refused call shows as an exit without its entry. Other
//! exits look the same and are told apart: a fork's child, an exec by another thread or of
//! another ABI, rt_sigreturn. The cases are those of DENIALS in ARCHITECTURE.md.

use aya_ebpf::helpers::{bpf_get_current_comm, bpf_ktime_get_boot_ns};
use aya_ebpf::macros::map;
use aya_ebpf::maps::HashMap;
use core::intrinsics::{AtomicOrdering, atomic_xadd};
use profiler_common::{Abi, DenialKey, DenialSeen, Loss};

use crate::calls::DENIALS_WATCHED;
use crate::kernel::{Call, Registers, Task};
use crate::{loss, process};

/// Thread → the call that it is in, [`OUTSIDE`] or [`ANY`]. A thread that is not in here was never
/// seen: it may be in a call that it entered before it was watched.
#[map]
static IN_FLIGHT: HashMap<u32, u64> = HashMap::with_max_entries(65_536, 0);

/// In no call.
const OUTSIDE: u64 = u64::MAX - 1;
/// Whatever it returns from next is no denial: an exec's exit may come from another thread id and
/// under another ABI's number.
const ANY: u64 = u64::MAX;

#[map]
static DENIALS: HashMap<DenialKey, DenialSeen> = HashMap::with_max_entries(4096, 0);

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
    if !never_returns(call) {
        is_now(task.thread(), packed(call));
    }
}

/// `old_thread`: its thread id before; an exec by another thread than the first takes over the
/// first one's.
pub fn execed(task: Task, old_thread: u32) {
    if DENIALS_WATCHED.load() == 0 {
        return;
    }
    if old_thread != task.thread() {
        let _ = IN_FLIGHT.remove(old_thread);
    }
    is_now(task.thread(), ANY);
}

#[inline(always)]
fn is_now(thread: u32, state: u64) {
    if let Some(known) = IN_FLIGHT.get_ptr_mut(&thread) {
        // SAFETY: checked for null; one word, written by this thread alone.
        unsafe { *known = state };
    } else if IN_FLIGHT.insert(thread, state, 0).is_err() {
        loss::count(Loss::InFlight);
    }
}

pub fn ended(task: Task) {
    if DENIALS_WATCHED.load() != 0 {
        // Most threads are in no scope.
        let _ = IN_FLIGHT.remove(task.thread());
    }
}

pub fn exit(registers: *const u8, result: i64) {
    let task = Task::current();
    let Some(entry) = process::of(task.process()) else {
        return;
    };
    // SAFETY: checked for null; a word that the process itself writes, at exec.
    let program = unsafe { (*entry).program };
    let thread = task.thread();
    // SAFETY: one word, written by this thread alone.
    let in_flight = unsafe { IN_FLIGHT.get(&thread) }.copied();
    is_now(thread, OUTSIDE);
    let Some(in_flight) = in_flight else {
        return;
    };
    let number = Registers::new(registers).call_number();
    let call = task.call(number);
    if in_flight == ANY || in_flight == packed(call) {
        return;
    }
    // rt_sigreturn, and what a tracer cancelled, leave -1.
    if number == -1 || task.seccomp_mode() == 0 || (makes_tasks(call) && result == 0) {
        return;
    }
    denied(program, task, call, result as i32);
}

fn denied(program: u32, task: Task, call: Call, result: i32) {
    let key = DenialKey {
        program,
        number: call.number,
        result,
        abi: call.abi as u8,
        reserved: [0; 3],
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
    };
    if DENIALS.insert(&key, &seen, 0).is_err() {
        loss::count(Loss::Denials);
    }
}
