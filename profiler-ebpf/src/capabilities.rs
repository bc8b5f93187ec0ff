//! Capability checks: which, granted or not, for which call, asked by which kernel function.
//!
//! What was needed is not decided here. The kernel asks far more than it needs, so the stack is
//! part of the key: the same capability in the same call may be asked for two reasons.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_get_stack, bpf_ktime_get_boot_ns};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray};
use aya_ebpf::programs::BtfTracePointContext;
use core::intrinsics::{AtomicOrdering, atomic_xadd};
use profiler_common::{
    CHECK_OWN_CREDENTIALS, CHECK_OWN_NAMESPACE, CapabilityKey, CapabilitySeen, EXE_LEN, Loss,
    STACK_LEN,
};

use crate::kernel::{Task, load, offset};
use crate::{loss, process, scope};

#[map]
static CAPABILITY_CHECKS: HashMap<CapabilityKey, CapabilitySeen> =
    HashMap::with_max_entries(8192, 0);

/// Too large for the 512 bytes of stack beside the key.
#[map]
static SCRATCH: PerCpuArray<CapabilitySeen> = PerCpuArray::with_max_entries(1, 0);

pub fn checked(
    ctx: &BtfTracePointContext,
    cred: *const u8,
    target_ns: *const u8,
    capability: i32,
    result: i32,
) {
    let Some(slot_index) = scope::of_current() else {
        return;
    };
    let Some(slot) = scope::slot(slot_index) else {
        return;
    };
    let task = Task::current();
    // SAFETY: checked for null; a single byte.
    if unsafe { (*slot).behind_filter_only } != 0 && !task.is_filtered() {
        return;
    }
    let process = process::of(task.process());
    let real_cred = task.real_cred();
    let own_ns: *const u8 = load(real_cred, offset!(cred_user_ns));
    let mut flags = 0;
    if cred == real_cred {
        flags |= CHECK_OWN_CREDENTIALS;
    }
    if target_ns == own_ns {
        flags |= CHECK_OWN_NAMESPACE;
    }
    let call = task.call(task.registers().call_number());
    let mut key = CapabilityKey {
        stack: [0; STACK_LEN],
        slot: slot_index,
        number: call.number,
        abi: call.abi as u8,
        phase: process::phase_of(process) as u8,
        capability: capability as u8,
        granted: u8::from(result == 0),
        flags,
        reserved: [0; 3],
    };
    // SAFETY: the buffer is the key's own, of the size that is told.
    unsafe {
        bpf_get_stack(
            ctx.as_ptr(),
            key.stack.as_mut_ptr().cast(),
            (STACK_LEN * 8) as u32,
            0,
        );
    }
    if let Some(seen) = CAPABILITY_CHECKS.get_ptr_mut(&key) {
        // SAFETY: checked for null; a counter. SeqCst, as LLVM miscompiles relaxed ones
        // (llvm-project#210280).
        unsafe {
            atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(&raw mut (*seen).count, 1);
        }
        return;
    }
    let Some(seen) = SCRATCH.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: this CPU's own, and tracing programs do not interrupt one another on it.
    let seen = unsafe { &mut *seen };
    // SAFETY: the helper has no preconditions.
    seen.time_ns = unsafe { bpf_ktime_get_boot_ns() };
    seen.count = 1;
    seen.process = task.process();
    seen.thread = task.thread();
    seen.comm = bpf_get_current_comm().unwrap_or_default();
    seen.exe = match process {
        // SAFETY: checked for null.
        Some(process) => unsafe { (*process).exe },
        None => [0; EXE_LEN],
    };
    if CAPABILITY_CHECKS.insert(&key, &*seen, 0).is_err() {
        loss::count(Loss::CapabilityChecks);
    }
}
