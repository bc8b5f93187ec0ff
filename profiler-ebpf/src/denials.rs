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
use crate::ids::{self, ById};
use crate::kernel::{Call, Task};
use crate::tracepoint::Exit;
use crate::{loss, process};

/// Thread → the number of the call that it is in, with the x32 bit; [`OUTSIDE`] or [`UNKNOWN`].
/// The loader tells how many ids there are, where denials are watched.
#[map]
static IN_FLIGHT: ById = ById::with_max_entries(1, 0);

/// In no call. The number -1 too: what returns from that is no denial anyway.
const OUTSIDE: u32 = u32::MAX;
/// Whatever it returns from next is no denial. It was never seen and may be in a call that it
/// entered before it was watched; or it exec'd, and the exit may come from another thread id and
/// under another ABI's number. The number 0 too: what returns from that has been entered.
const UNKNOWN: u32 = 0;

#[map]
static DENIALS: HashMap<DenialKey, DenialSeen> = HashMap::with_max_entries(4096, 0);

/// fork, vfork, clone, clone3
const fn makes_tasks(call: Call) -> bool {
    matches!(
        (call.abi, call.number),
        (Abi::X86_64 | Abi::X32, 56 | 57 | 58 | 435) | (Abi::I386, 2 | 120 | 190 | 435)
    )
}

#[inline(always)]
pub fn entered(task: Task, number: i32) {
    is_now(task.thread(), number as u32);
}

/// `old_thread`: its thread id before; an exec by another thread than the first takes over the
/// first one's.
pub fn execed(task: Task, old_thread: u32) {
    if DENIALS_WATCHED.load() == 0 {
        return;
    }
    is_now(old_thread, UNKNOWN);
    is_now(task.thread(), UNKNOWN);
}

#[inline(always)]
fn is_now(thread: u32, state: u32) {
    let Some(known) = ids::word(&IN_FLIGHT, thread) else {
        loss::count(Loss::InFlight);
        return;
    };
    // SAFETY: checked for null; one word, written by this thread alone.
    unsafe { *known = state };
}

/// Another thread will have its id.
pub fn ended(task: Task) {
    if DENIALS_WATCHED.load() != 0
        && let Some(known) = ids::word(&IN_FLIGHT, task.thread())
    {
        // SAFETY: checked for null; one word, written by this thread alone.
        unsafe { *known = UNKNOWN };
    }
}

#[inline(always)]
pub fn exit(ctx: &impl Exit) {
    let task = Task::current();
    let Some(program) = process::program_of(task.process()) else {
        return;
    };
    let Some(known) = ids::word(&IN_FLIGHT, task.thread()) else {
        loss::count(Loss::InFlight);
        return;
    };
    // SAFETY: checked for null; one word, written by this thread alone.
    let in_flight = unsafe { known.replace(OUTSIDE) };
    let number = ctx.number();
    if in_flight != number as u32 && in_flight != UNKNOWN {
        not_entered(program, number, ctx.result());
    }
}

#[inline(never)]
fn not_entered(program: u32, number: i32, result: i64) {
    let task = Task::current();
    let call = task.call(number);
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
