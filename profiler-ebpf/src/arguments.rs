//! With which arguments the calls of the catalogue are made: each combination once.
//!
//! Registers only, as in a filter: what lies behind a pointer (`socketcall` and `ipc` of i386 keep
//! their arguments there) could not be ruled, and is not read.

use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap};
use core::intrinsics::{AtomicOrdering, atomic_xadd};
use profiler_common::{
    ALWAYS, Abi, COMBINATIONS, Combination, KNOWN, Loss, NOTED_ARGUMENTS, NOTED_CALLS,
    NOTED_NUMBERS, NotedArgument, NotedCall, NotedKey, NotedSeen, Program, SEEN, SEEN_NOTED,
    SEEN_ONE_NOTED,
};

use crate::kernel::{Call, Registers, bounded};
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
pub fn note(
    index: u32,
    program: *mut Program,
    call: Call,
    noted: &NotedCall,
    registers: Registers,
) -> u8 {
    let key = Combination {
        call: NotedKey {
            program: index,
            number: call.number,
            abi: call.abi as u32,
        },
        values: values(noted, registers.arguments(call.abi)),
    };
    if COMBINATION_TABLE.get_ptr(&key).is_none() && !keep(&key) {
        return SEEN;
    }
    // i386 has other registers.
    if noted.arguments[1].mask != 0 || call.abi == Abi::I386 {
        return SEEN_NOTED;
    }
    let argument = noted.arguments[0].index;
    let value = registers.argument(argument);
    // SAFETY: the place lies in the program; one word, so that none is ever made up of two.
    unsafe { place(program, call, value).write_volatile(known(call, value)) };
    SEEN_ONE_NOTED + argument
}

/// Whether the call was made with this argument before; the state is from [`SEEN_ONE_NOTED`] on.
#[inline(always)]
pub fn is_known(program: *mut Program, call: Call, state: u8, registers: Registers) -> bool {
    let value = registers.argument(state - SEEN_ONE_NOTED);
    // SAFETY: the place lies in the program.
    unsafe { place(program, call, value).read_volatile() == known(call, value) }
}

/// Never 0, and no other call's: a number lies below [`NOTED_NUMBERS`].
#[inline(always)]
const fn known(call: Call, value: u32) -> u64 {
    let call = 1 << 31 | (call.abi as u64) << 10 | call.number as u64;
    call << 32 | value as u64
}

#[inline(always)]
fn place(program: *mut Program, call: Call, value: u32) -> *mut u64 {
    // Fibonacci hashing: the upper bits of the product depend on all of the word.
    let hash = (value ^ (call.number as u32) << 16).wrapping_mul(0x9e37_79b9) >> 16;
    // SAFETY: masked.
    unsafe {
        (&raw mut (*program).known)
            .cast::<u64>()
            .add(bounded(hash as usize, KNOWN))
    }
}

/// Whether there was room.
fn keep(key: &Combination) -> bool {
    let Some(seen) = of_call(&key.call) else {
        loss::count(Loss::Arguments);
        return false;
    };
    // SAFETY: checked for null; two words, one of which is only ever set to 1.
    let (count, overflowed) = unsafe { (&raw mut (*seen).count, &raw mut (*seen).overflowed) };
    // SAFETY: as above.
    if unsafe { *count } >= COMBINATIONS {
        // SAFETY: as above.
        unsafe { *overflowed = 1 };
        return false;
    }
    match COMBINATION_TABLE.insert(key, 1, BPF_NOEXIST) {
        Ok(()) => {
            // SAFETY: as above. SeqCst, as LLVM miscompiles relaxed ones (llvm-project#210280).
            unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(count, 1) };
            true
        }
        // Another processor was first.
        Err(EEXIST) => true,
        Err(_) => {
            loss::count(Loss::Arguments);
            // SAFETY: as above.
            unsafe { *overflowed = 1 };
            false
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
    // Places for every masked index, so that the verifier sees the bound. Nothing is zeroed here,
    // which would be a call of memset.
    let [first, second, third, fourth, fifth, sixth] = registers;
    let all = [first, second, third, fourth, fifth, sixth, sixth, sixth];
    let masked = |place: usize| {
        let argument = &noted.arguments[place];
        at(&all, argument.index) as u32 & argument.mask
    };
    let [first, second, third] = [masked(0), masked(1), masked(2)];
    let all = [first, second, third, third];
    let value = |place: usize, value: u32| {
        let argument = &noted.arguments[place];
        let counts = argument.other == ALWAYS || lets(argument, at(&all, argument.other));
        if counts { value } else { 0 }
    };
    [value(0, first), value(1, second), value(2, third)]
}

/// Whether this value of the other argument lets this one count. A function of its own, as few
/// calls need it.
#[inline(never)]
fn lets(argument: &NotedArgument, other: u32) -> bool {
    for value in &argument.values {
        // The volatile load ends it at the first that is equal: the compiler would load and compare
        // all, and the verifier follow each of the 2¹⁶ ways through that.
        // SAFETY: a reference.
        if unsafe { core::ptr::read_volatile(value) } == other {
            return true;
        }
    }
    false
}

/// The length is a power of two.
#[inline(always)]
fn at<T: Copy, const N: usize>(array: &[T; N], index: u8) -> T {
    // The volatile load keeps the compiler from spreading the array over registers.
    // SAFETY: masked.
    unsafe { core::ptr::read_volatile(array.as_ptr().add(bounded(index as usize, N))) }
}
