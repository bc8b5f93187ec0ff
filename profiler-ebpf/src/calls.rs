//! The hot path: which calls a scope makes.

use aya_ebpf::Global;
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_ktime_get_boot_ns};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, RingBuf};
use aya_ebpf::programs::BtfTracePointContext;
use aya_log_ebpf::warn;
use profiler_common::{EXE_LEN, FirstSeen, Loss, NUMBERS, Phase, Process, Slot, StrayCall};

use crate::kernel::{Call, Registers, Task};
use crate::{denials, loss, process, scope};

#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(1 << 20, 0);

#[map]
static STRAY_CALLS: HashMap<StrayCall, u8> = HashMap::with_max_entries(1024, 0);

/// Set by the loader: denials are watched too.
#[unsafe(no_mangle)]
pub static VERIFY: Global<u8> = Global::new(0);

pub fn enter(ctx: &BtfTracePointContext, registers: *const u8, id: i64) {
    let Some(index) = scope::of_current() else {
        return;
    };
    let Some(slot) = scope::slot(index) else {
        return;
    };
    let task = Task::current();
    let call = task.call(id as i32);
    if VERIFY.load() != 0 {
        denials::entered(task, call);
    }
    let number = call.number as u32 as usize;
    if number < NUMBERS && *seen(slot, Phase::Workload, call) != 0 {
        return;
    }
    // SAFETY: checked for null; a single byte.
    if unsafe { (*slot).behind_filter_only } != 0 && !task.is_filtered() {
        return;
    }
    let process = process::of(task.process());
    let phase = process::phase_of(process);
    if number < NUMBERS {
        let seen = seen(slot, phase, call);
        if *seen != 0 {
            return;
        }
        *seen = 1;
    } else if !first_stray(index, phase, call) {
        return;
    } else {
        warn!(
            ctx,
            "call number {} lies past the set; kept apart", call.number
        );
    }
    first_seen(Registers::new(registers), task, index, phase, call, process);
}

/// The call's byte. The number must lie below [`NUMBERS`].
#[inline(always)]
fn seen<'a>(slot: *mut Slot, phase: Phase, call: Call) -> &'a mut u8 {
    // The compiler knows the bound and would leave the mask out, but the verifier needs it.
    let number = core::hint::black_box(call.number as u32 as usize) & (NUMBERS - 1);
    let place = (phase as usize * 3 + call.abi as usize) * NUMBERS + number;
    // SAFETY: phase and ABI are below 3 and the number is masked, so the place lies in the set;
    // a racing store writes the same 1.
    unsafe { &mut *(&raw mut (*slot).seen).cast::<u8>().add(place) }
}

fn first_stray(slot: u32, phase: Phase, call: Call) -> bool {
    let key = StrayCall {
        slot,
        number: call.number,
        abi: call.abi as u8,
        phase: phase as u8,
        reserved: [0; 2],
    };
    if STRAY_CALLS.get_ptr(&key).is_some() {
        return false;
    }
    if STRAY_CALLS.insert(&key, 1, 0).is_err() {
        loss::count(Loss::StrayCalls);
    }
    true
}

fn first_seen(
    registers: Registers,
    task: Task,
    slot: u32,
    phase: Phase,
    call: Call,
    process: Option<*mut Process>,
) {
    let Some(mut entry) = EVENTS.reserve::<FirstSeen>(0) else {
        loss::count(Loss::Events);
        return;
    };
    let event = entry.as_mut_ptr();
    // SAFETY: reserved for one event; every field is written before it is submitted.
    unsafe {
        (*event).time_ns = bpf_ktime_get_boot_ns();
        (*event).args = registers.arguments(call.abi);
        (*event).slot = slot;
        (*event).number = call.number;
        (*event).process = task.process();
        (*event).thread = task.thread();
        (*event).abi = call.abi as u8;
        (*event).phase = phase as u8;
        (*event).reserved = [0; 6];
        (*event).comm = bpf_get_current_comm().unwrap_or_default();
        (*event).exe = match process {
            Some(process) => (*process).exe,
            None => [0; EXE_LEN],
        };
    }
    entry.submit(0);
}
