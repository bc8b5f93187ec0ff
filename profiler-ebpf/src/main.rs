//! The BPF programs: attach points only. Each hands its arguments to the module of its concern.
//!
//! They observe and count; they never decide what is allowed, compare no names, and keep nothing
//! in unbounded tables. All need only CAP_BPF and CAP_PERFMON.
#![no_std]
#![no_main]
#![expect(internal_features, reason = "core has no fetch-less atomics for BPF")]
#![feature(core_intrinsics)]

mod arguments;
mod calls;
mod capabilities;
mod denials;
mod ids;
mod kernel;
mod loss;
mod ports;
mod process;
mod program;
mod scope;
mod session;
mod tracepoint;

use aya_ebpf::macros::{btf_tracepoint, fexit, kprobe, kretprobe, tracepoint};
use aya_ebpf::programs::{
    BtfTracePointContext, FExitContext, ProbeContext, RetProbeContext, TracePointContext,
};

use kernel::{Cgroup, Task};
use profiler_common::{Check, OPTS_UNSEEN};

#[btf_tracepoint(function = "sys_enter")]
pub fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    calls::enter(&ctx);
    0
}

/// In its place where the kernel can preempt what sits there, and would not run it for what others
/// do meanwhile on that processor: a classic tracepoint's program is not preempted, but dearer.
#[tracepoint]
pub fn classic_sys_enter(ctx: TracePointContext) -> u32 {
    calls::enter(&ctx);
    0
}

/// Attached only where denials are watched: it costs a second tracepoint on every call.
#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit(ctx: BtfTracePointContext) -> i32 {
    denials::exit(&ctx);
    0
}

/// See [`classic_sys_enter`].
#[tracepoint]
pub fn classic_sys_exit(ctx: TracePointContext) -> u32 {
    denials::exit(&ctx);
    0
}

#[btf_tracepoint(function = "sched_process_fork")]
pub fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    process::fork(Task::new(ctx.arg(0)), Task::new(ctx.arg(1)));
    0
}

#[btf_tracepoint(function = "sched_process_exec")]
pub fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    process::exec(Task::new(ctx.arg(0)), ctx.arg(1), ctx.arg(2));
    0
}

#[btf_tracepoint(function = "sched_process_exit")]
pub fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    process::exit(Task::new(ctx.arg(0)));
    0
}

#[btf_tracepoint(function = "cgroup_mkdir")]
pub fn cgroup_mkdir(ctx: BtfTracePointContext) -> i32 {
    scope::cgroup_made(Cgroup::new(ctx.arg(0)), ctx.arg(1));
    0
}

#[btf_tracepoint(function = "cgroup_rmdir")]
pub fn cgroup_rmdir(ctx: BtfTracePointContext) -> i32 {
    scope::cgroup_removed(Cgroup::new(ctx.arg(0)));
    0
}

#[btf_tracepoint(function = "cgroup_attach_task")]
pub fn cgroup_attach_task(ctx: BtfTracePointContext) -> i32 {
    process::joined(Cgroup::new(ctx.arg(0)), Task::new(ctx.arg(2)));
    0
}

// Capability checks, by the first of three hooks that the kernel allows.

/// The best: it tells the options too. Not `security_capable`, which only most askers go through:
/// commoncap (securebits, memory below vm.mmap_min_addr) and AppArmor (its policy) do not.
#[fexit(function = "cap_capable")]
pub fn cap_capable_exit(ctx: FExitContext) -> i32 {
    let check = Check {
        cred: ctx.arg(0),
        target_ns: ctx.arg(1),
        capability: ctx.arg(2),
        opts: ctx.arg(3),
    };
    capabilities::checked(&ctx, &check, ctx.arg(4));
    0
}

/// Since Linux 6.17.
#[btf_tracepoint(function = "cap_capable")]
pub fn cap_capable(ctx: BtfTracePointContext) -> i32 {
    let check = Check {
        cred: ctx.arg(0),
        target_ns: ctx.arg(1),
        capability: ctx.arg(3),
        opts: OPTS_UNSEEN,
    };
    capabilities::checked(&ctx, &check, ctx.arg(4));
    0
}

#[kprobe]
pub fn cap_capable_entry(ctx: ProbeContext) -> u32 {
    if let (Some(cred), Some(target_ns), Some(capability), Some(opts)) =
        (ctx.arg(0), ctx.arg(1), ctx.arg(2), ctx.arg(3))
    {
        capabilities::entered(&Check {
            cred,
            target_ns,
            capability,
            opts,
        });
    }
    0
}

#[kretprobe]
pub fn cap_capable_return(ctx: RetProbeContext) -> u32 {
    capabilities::returned(&ctx, ctx.ret());
    0
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
