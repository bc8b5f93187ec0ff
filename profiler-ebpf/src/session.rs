//! Exec sessions: programs that joined a scope after its first one, told apart by command line.

use aya_ebpf::helpers::generated::bpf_probe_read_user;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, PerCpuArray, Queue};
use profiler_common::{ARGV_LEN, Loss, SESSIONS, Session};

use crate::kernel::Task;
use crate::loss;
use crate::process::READ_STRINGS;
use crate::scope::BPF_F_MMAPABLE;

/// User space reads these through a memory mapping.
#[map]
static SESSION_TABLE: Array<Session> = Array::with_max_entries(SESSIONS, BPF_F_MMAPABLE);

#[map]
static SESSION_INDEX: HashMap<Session, u32> = HashMap::with_max_entries(SESSIONS, 0);

/// Indices of sessions that are free; user space fills it.
#[map]
static FREE_SESSIONS: Queue<u32> = Queue::with_max_entries(SESSIONS, 0);

/// Too large for the stack beside other keys.
#[map]
static SESSION_SCRATCH: PerCpuArray<Session> = PerCpuArray::with_max_entries(1, 0);

const BPF_NOEXIST: u64 = 1;

/// Of a task that has just exec'd: the session's index plus 1, or 0 where there is no room, which
/// is counted.
pub fn of(scope: u32, task: Task) -> u32 {
    let Some(key) = SESSION_SCRATCH.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: this CPU's own, and tracing programs do not interrupt one another on it.
    let key = unsafe { &mut *key };
    read_command_line(key, scope, task);
    if let Some(index) = known(key) {
        return index + 1;
    }
    let Ok(Some(index)) = FREE_SESSIONS.pop() else {
        loss::count(Loss::Sessions);
        return 0;
    };
    let Some(session) = SESSION_TABLE.get_ptr_mut(index) else {
        return 0;
    };
    // SAFETY: checked for null, and taken out of the free ones: nobody else has it.
    unsafe { *session = *key };
    if SESSION_INDEX.insert(&*key, index, BPF_NOEXIST).is_ok() {
        return index + 1;
    }
    // Another processor was first, or there is no room.
    // SAFETY: as above; a free one belongs to no scope.
    unsafe { (*session).scope = 0 };
    let _ = FREE_SESSIONS.push(index, 0);
    if let Some(index) = known(key) {
        return index + 1;
    }
    loss::count(Loss::Sessions);
    0
}

fn read_command_line(key: &mut Session, scope: u32, task: Task) {
    key.scope = scope;
    key.argv = [0; ARGV_LEN];
    key.len = 0;
    // Reading a user's strings is allowed under lockdown, but the loader falls back to a helper
    // that is not: it takes the refusal of another one for an old kernel.
    if READ_STRINGS.load() == 0 {
        return;
    }
    let (start, length) = task.command_line();
    let length = if length < ARGV_LEN as u64 {
        length as u32
    } else {
        ARGV_LEN as u32
    };
    // SAFETY: the helper checks the source; the length is bounded by the buffer's. exec has just
    // written these pages.
    let read = unsafe {
        bpf_probe_read_user(
            key.argv.as_mut_ptr().cast(),
            length,
            start as *const core::ffi::c_void,
        )
    };
    if read == 0 {
        key.len = length;
    }
}

#[inline(always)]
fn known(key: &Session) -> Option<u32> {
    // SAFETY: an index is one word that never changes while its scope is watched.
    unsafe { SESSION_INDEX.get(key) }.copied()
}
