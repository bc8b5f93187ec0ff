//! The hot path: which calls the programs of a scope make.

use aya_ebpf::Global;
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_ktime_get_boot_ns};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, RingBuf};
use aya_log_ebpf::info;
use profiler_common::{
    FirstSeen, Loss, NUMBERS, Program, SEEN, SEEN_NOTED, SEEN_ONE_NOTED, StrayCall, UNSEEN,
};

use crate::kernel::{Call, Registers, Task, bounded};
use crate::tracepoint::Entry;
use crate::{arguments, denials, loss, ports, process, program};

#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(1 << 22, 0);

#[map]
static STRAY_CALLS: HashMap<StrayCall, u8> = HashMap::with_max_entries(1024, 0);

/// Set by the loader: denials are watched too.
#[unsafe(no_mangle)]
pub static DENIALS_WATCHED: Global<u8> = Global::new(0);

#[inline(always)]
pub fn enter(ctx: &impl Entry) {
    let task = Task::current();
    let Some(index) = process::program_of(task.process()) else {
        return;
    };
    let number = ctx.number();
    if DENIALS_WATCHED.load() != 0 {
        denials::entered(task, number);
    }
    let Some(program) = program::at(index) else {
        return;
    };
    let call = task.call(number);
    if is_known(call) {
        let state = *byte(program, call);
        if state == SEEN
            || (state >= SEEN_ONE_NOTED
                && arguments::is_known(program, call, state, ctx.registers()))
        {
            return;
        }
    }
    may_be_new(ctx, index, call, task);
}

#[inline(always)]
const fn is_known(call: Call) -> bool {
    (call.number as u32 as usize) < NUMBERS
}

/// A function of its own, so that what every call passes needs few registers and no stack.
#[inline(never)]
fn may_be_new(ctx: &impl Entry, index: u32, call: Call, task: Task) {
    if process::sets_up(task) {
        return;
    }
    let registers = ctx.registers();
    if !is_known(call) {
        if first_stray(index, call) {
            info!(
                ctx,
                "call number {} lies past the set; kept apart", call.number
            );
            first_seen(registers, task, index, call);
        }
        return;
    }
    let Some(program) = program::at(index) else {
        return;
    };
    let noted = match arguments::noted(call) {
        Some(noted) => arguments::note(index, program, call, noted, registers),
        None => SEEN,
    };
    let next = if ports::may_bind(call) {
        ports::asked(index, call, registers);
        SEEN_NOTED
    } else {
        noted
    };
    let state = *byte(program, call);
    // Else it would be written at every noted call, with other processors waiting for the line.
    if next != state {
        *byte(program, call) = next;
    }
    if state == UNSEEN {
        first_seen(registers, task, index, call);
    }
}

/// The call's byte. The number must lie below [`NUMBERS`].
#[inline(always)]
fn byte<'a>(program: *mut Program, call: Call) -> &'a mut u8 {
    let place = call.abi as usize * NUMBERS + bounded(call.number as u32 as usize, NUMBERS);
    // SAFETY: the ABI is below 3 and the number is masked, so the place lies in the set; a racing
    // store writes what is as true.
    unsafe { &mut *(&raw mut (*program).seen).cast::<u8>().add(place) }
}

fn first_stray(program: u32, call: Call) -> bool {
    let key = StrayCall {
        program,
        number: call.number,
        abi: call.abi as u8,
        reserved: [0; 3],
    };
    if STRAY_CALLS.get_ptr(&key).is_some() {
        return false;
    }
    if STRAY_CALLS.insert(&key, 1, 0).is_err() {
        loss::count(Loss::StrayCalls);
    }
    true
}

fn first_seen(registers: Registers, task: Task, program: u32, call: Call) {
    let Some(mut entry) = EVENTS.reserve::<FirstSeen>(0) else {
        loss::count(Loss::Events);
        return;
    };
    let event = entry.as_mut_ptr();
    // SAFETY: reserved for one event; every field is written before it is submitted.
    unsafe {
        (*event).time_ns = bpf_ktime_get_boot_ns();
        (*event).args = registers.arguments(call.abi);
        (*event).program = program;
        (*event).number = call.number;
        (*event).process = task.process();
        (*event).thread = task.thread();
        (*event).abi = call.abi as u8;
        (*event).reserved = [0; 7];
        (*event).comm = bpf_get_current_comm().unwrap_or_default();
    }
    entry.submit(0);
}
