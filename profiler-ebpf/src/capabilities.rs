//! Capability checks: which, granted or not, for which call, asked by which kernel function.
//!
//! What was needed is not decided here. The kernel asks far more than it needs, so the stack is
//! part of the key: the same capability in the same call may be asked for two reasons.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_get_stack, bpf_ktime_get_boot_ns};
use aya_ebpf::macros::map;
use aya_ebpf::maps::HashMap;
use aya_ebpf::programs::RetProbeContext;
use core::intrinsics::{AtomicOrdering, atomic_xadd};
use profiler_common::{
    CHECK_OWN_CREDENTIALS, CHECK_OWN_NAMESPACE, CapabilityKey, CapabilitySeen, Check,
    CheckInFlight, Loss, STACK_LEN,
};

use crate::kernel::{Task, load, offset};
use crate::{loss, process};

#[map]
static CAPABILITY_CHECKS: HashMap<CapabilityKey, CapabilitySeen> =
    HashMap::with_max_entries(8192, 0);

/// Thread → the check that it is in; where only kprobes serve, which see arguments on the way in
/// and the verdict on the way out. The kernel shows only so many ways out at once
/// (`kretprobe::maxactive`): what stays in here was not shown.
#[map]
static CHECKS_IN_FLIGHT: HashMap<u32, CheckInFlight> = HashMap::with_max_entries(65_536, 0);

pub fn entered(check: &Check) {
    let task = Task::current();
    if process::program_of(task.process()).is_none() {
        return;
    }
    missed(task);
    let in_flight = CheckInFlight {
        check: *check,
        // SAFETY: the helper has no preconditions.
        entered_ns: unsafe { bpf_ktime_get_boot_ns() },
    };
    if CHECKS_IN_FLIGHT
        .insert(&task.thread(), &in_flight, 0)
        .is_err()
    {
        loss::count(Loss::CapabilityChecks);
    }
}

/// At a time when the thread is in no check: the last one's verdict was not shown, if it is in here.
pub fn missed(task: Task) {
    // Most threads are in no scope.
    if CHECKS_IN_FLIGHT.remove(task.thread()).is_ok() {
        loss::count(Loss::CapabilityChecks);
    }
}

pub fn returned(ctx: &RetProbeContext, result: i32) {
    let thread = Task::current().thread();
    // SAFETY: written by this thread alone.
    let Some(CheckInFlight { check, .. }) = (unsafe { CHECKS_IN_FLIGHT.get(&thread) }).copied()
    else {
        return;
    };
    let _ = CHECKS_IN_FLIGHT.remove(thread);
    checked(ctx, &check, result);
}

/// Addresses are compared, never followed.
pub fn checked(ctx: &impl EbpfContext, check: &Check, result: i32) {
    let task = Task::current();
    let Some(program) = process::program_of(task.process()) else {
        return;
    };
    if process::sets_up(task) {
        return;
    }
    let real_cred = task.real_cred();
    let own_ns: *const u8 = load(real_cred, offset!(cred_user_ns));
    let mut flags = 0;
    if check.cred == real_cred as u64 {
        flags |= CHECK_OWN_CREDENTIALS;
    }
    if check.target_ns == own_ns as u64 {
        flags |= CHECK_OWN_NAMESPACE;
    }
    let call = task.call(task.registers().call_number());
    let mut key = CapabilityKey {
        stack: [0; STACK_LEN],
        program,
        number: call.number,
        abi: call.abi as u8,
        capability: check.capability as u8,
        granted: u8::from(result == 0),
        flags,
        opts: check.opts,
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
    let seen = CapabilitySeen {
        // SAFETY: the helper has no preconditions.
        time_ns: unsafe { bpf_ktime_get_boot_ns() },
        count: 1,
        process: task.process(),
        thread: task.thread(),
        comm: bpf_get_current_comm().unwrap_or_default(),
    };
    if CAPABILITY_CHECKS.insert(&key, &seen, 0).is_err() {
        loss::count(Loss::CapabilityChecks);
    }
}
