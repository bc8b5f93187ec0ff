//! Executables of a scope: each has a set of the calls that it made.

use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, Queue};
use profiler_common::{EXE_LEN, Loss, PROGRAMS, Phase, Program, ProgramKey};

use crate::loss;
use crate::scope::BPF_F_MMAPABLE;

/// User space reads these through a memory mapping.
#[map]
static PROGRAM_TABLE: Array<Program> = Array::with_max_entries(PROGRAMS, BPF_F_MMAPABLE);

#[map]
static PROGRAM_INDEX: HashMap<ProgramKey, u32> = HashMap::with_max_entries(PROGRAMS, 0);

/// Indices of programs that are free; user space fills it.
#[map]
static FREE_PROGRAMS: Queue<u32> = Queue::with_max_entries(PROGRAMS, 0);

const BPF_NOEXIST: u64 = 1;

#[inline(always)]
pub fn at(index: u32) -> Option<*mut Program> {
    PROGRAM_TABLE.get_ptr_mut(index)
}

/// What a process is before it has exec'd in its scope.
pub fn of_joiner(scope: u32) -> Option<u32> {
    of(&ProgramKey {
        scope,
        session: 0,
        phase: Phase::Runtime as u8,
        reserved: [0; 7],
        exe: [0; EXE_LEN],
    })
}

/// `None` where there is no room, which is counted.
pub fn of(key: &ProgramKey) -> Option<u32> {
    if let Some(index) = known(key) {
        return Some(index);
    }
    let Ok(Some(index)) = FREE_PROGRAMS.pop() else {
        loss::count(Loss::Programs);
        return None;
    };
    let program = at(index)?;
    // SAFETY: checked for null, and taken out of the free ones: nobody else has it.
    unsafe { (*program).key = *key };
    if PROGRAM_INDEX.insert(key, index, BPF_NOEXIST).is_ok() {
        return Some(index);
    }
    // Another processor was first, or there is no room.
    // SAFETY: as above; a free one belongs to no scope.
    unsafe { (*program).key.scope = 0 };
    let _ = FREE_PROGRAMS.push(index, 0);
    let other = known(key);
    if other.is_none() {
        loss::count(Loss::Programs);
    }
    other
}

#[inline(always)]
fn known(key: &ProgramKey) -> Option<u32> {
    // SAFETY: an index is one word that never changes while its scope is watched.
    unsafe { PROGRAM_INDEX.get(key) }.copied()
}
