//! With which arguments the calls of the catalogue are made: each combination once.
//!
//! Registers only, as in a filter: what lies behind a pointer (`socketcall` and `ipc` of i386 keep
//! their arguments there) could not be ruled, and is not read.

use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap};
use core::intrinsics::{AtomicOrdering, atomic_xadd};
use profiler_common::{
    ALWAYS, COMBINATIONS, Combination, Loss, NOTED_ARGUMENTS, NOTED_CALLS, NOTED_NUMBERS,
    NotedCall, NotedKey, NotedSeen, SEEN, SEEN_NOTED,
};

use crate::kernel::{Call, Registers};
use crate::loss;

const BPF_F_RDONLY_PROG: u32 = 1 << 7;
const BPF_NOEXIST: u64 = 1;
const EEXIST: i32 = -17;

/// By ABI, then number: place in [`CATALOGUE`], 0 where nothing is noted. The loader fills both.
#[map]
static CATALOGUE_INDEX: Array<u32> = Array::with_max_entries(3 * NOTED_NUMBERS, BPF_F_RDONLY_PROG);

#[map]
static CATALOGUE: Array<NotedCall> = Array::with_max_entries(NOTED_CALLS, BPF_F_RDONLY_PROG);

#[map]
static NOTED: HashMap<NotedKey, NotedSeen> = HashMap::with_max_entries(65_536, 0);

#[map]
static COMBINATION_TABLE: HashMap<Combination, u8> = HashMap::with_max_entries(131_072, 0);

/// What to note of a call; its number lies below [`NOTED_NUMBERS`].
#[inline(always)]
pub fn noted<'a>(call: Call) -> Option<&'a NotedCall> {
    let place = call.abi as u32 * NOTED_NUMBERS + call.number as u32;
    match CATALOGUE_INDEX.get(place).copied() {
        None | Some(0) => None,
        // SAFETY: nobody writes the catalogue once this is attached.
        Some(index) => CATALOGUE.get_ptr(index).map(|call| unsafe { &*call }),
    }
}

/// What the call's byte is from now on: [`SEEN`] once no more combinations are kept.
#[inline(always)]
pub fn note(program: u32, call: Call, noted: &NotedCall, registers: Registers) -> u8 {
    let key = Combination {
        call: NotedKey {
            program,
            number: call.number,
            abi: call.abi as u8,
            reserved: [0; 3],
        },
        values: values(noted, registers.arguments(call.abi)),
    };
    if COMBINATION_TABLE.get_ptr(&key).is_some() {
        return SEEN_NOTED;
    }
    keep(&key)
}

fn keep(key: &Combination) -> u8 {
    let Some(seen) = of_call(&key.call) else {
        loss::count(Loss::Arguments);
        return SEEN;
    };
    // SAFETY: checked for null; two words, one of which is only ever set to 1.
    let (count, overflowed) = unsafe { (&raw mut (*seen).count, &raw mut (*seen).overflowed) };
    // SAFETY: as above.
    if unsafe { *count } >= COMBINATIONS {
        // SAFETY: as above.
        unsafe { *overflowed = 1 };
        return SEEN;
    }
    match COMBINATION_TABLE.insert(key, 1, BPF_NOEXIST) {
        Ok(()) => {
            // SAFETY: as above. SeqCst, as LLVM miscompiles relaxed ones (llvm-project#210280).
            unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(count, 1) };
            SEEN_NOTED
        }
        // Another processor was first.
        Err(EEXIST) => SEEN_NOTED,
        Err(_) => {
            loss::count(Loss::Arguments);
            // SAFETY: as above.
            unsafe { *overflowed = 1 };
            SEEN
        }
    }
}

/// `None` where there is no room.
#[inline(always)]
fn of_call(key: &NotedKey) -> Option<*mut NotedSeen> {
    if let Some(seen) = NOTED.get_ptr_mut(key) {
        return Some(seen);
    }
    let none = NotedSeen {
        count: 0,
        overflowed: 0,
    };
    // It may be there already, by another processor.
    let _ = NOTED.insert(key, &none, BPF_NOEXIST);
    NOTED.get_ptr_mut(key)
}

#[inline(always)]
fn values(noted: &NotedCall, registers: [u64; 6]) -> [u32; NOTED_ARGUMENTS] {
    // Places for every masked index, so that the verifier sees the bound.
    let mut all = [0; 8];
    all[..6].copy_from_slice(&registers);
    let mut masked = [0; 4];
    for (value, argument) in masked.iter_mut().zip(&noted.arguments) {
        *value = at(&all, argument.index) as u32 & argument.mask;
    }
    let mut values = [0; NOTED_ARGUMENTS];
    for (place, argument) in noted.arguments.iter().enumerate() {
        let other = at(&masked, argument.other);
        if argument.other == ALWAYS || argument.values.contains(&other) {
            values[place] = masked[place];
        }
    }
    values
}

/// The length is a power of two.
#[inline(always)]
fn at<T: Copy, const N: usize>(array: &[T; N], index: u8) -> T {
    // The verifier needs the mask even where the compiler knows the bound; the volatile load
    // keeps the compiler from spreading the array over registers.
    let index = core::hint::black_box(index as usize) & (N - 1);
    // SAFETY: masked.
    unsafe { core::ptr::read_volatile(array.as_ptr().add(index)) }
}
