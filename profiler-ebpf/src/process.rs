//! Whose a process is, by lineage: who joined a scope, what they exec'd, what those forked.
//!
//! A joiner is the runtime's until it execs beyond the scope's boundary. What the first one execs
//! is the workload; what later ones exec are exec sessions. Children inherit. No names are
//! compared.
//!
//! What every call asks for, which program its process runs, is a word in an array by process id;
//! the rest lies in a hash map.

use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray};
use profiler_common::{Boundary, EXE_LEN, Loss, PROCESSES, Phase, Process, ProgramKey, Scope};

use crate::ids::{self, ById};
use crate::kernel::{Cgroup, Task, load, offset};
use crate::scope::BPF_F_MMAPABLE;
use crate::{capabilities, denials, loss, program, scope, session};

/// Process id → its program's index, 0 in no scope. User space writes it through a memory mapping,
/// and tells how many ids there are.
#[map]
static PROGRAM_OF: ById = ById::with_max_entries(1, BPF_F_MMAPABLE);

/// By process id; of each that has a program. User space adds those that ran before they were
/// watched.
#[map]
static PROCESS_TABLE: HashMap<u32, Process> = HashMap::with_max_entries(PROCESSES, 0);

/// Too large for the stack beside other values.
#[map]
static PROGRAM_SCRATCH: PerCpuArray<ProgramKey> = PerCpuArray::with_max_entries(1, 0);

/// Cleared by the loader where lockdown=confidentiality refuses to read strings.
#[unsafe(no_mangle)]
pub static READ_STRINGS: aya_ebpf::Global<u8> = aya_ebpf::Global::new(1);

/// The index of the program that a process runs; `None` in no scope.
#[inline(always)]
pub fn program_of(process: u32) -> Option<u32> {
    let word = ids::word(&PROGRAM_OF, process)?;
    // SAFETY: checked for null; one word.
    let program = unsafe { *word };
    (program != 0).then_some(program)
}

#[inline(always)]
fn of(process: u32) -> Option<*mut Process> {
    PROCESS_TABLE.get_ptr_mut(&process)
}

fn insert(id: u32, process: &Process, program: u32) {
    if ids::word(&PROGRAM_OF, id).is_none() || PROCESS_TABLE.insert(id, process, 0).is_err() {
        loss::count(Loss::Processes);
        return;
    }
    // Last: its calls count from here on.
    runs(id, program);
}

fn runs(id: u32, program: u32) {
    if let Some(word) = ids::word(&PROGRAM_OF, id) {
        // SAFETY: checked for null; one word.
        unsafe { *word = program };
    }
}

fn remove(id: u32) {
    runs(id, 0);
    // Most processes are in no scope.
    let _ = PROCESS_TABLE.remove(id);
}

/// A task was moved into a cgroup, by itself or another.
pub fn joined(cgroup: Cgroup, task: Task) {
    if !cgroup.is_v2() {
        return;
    }
    match scope::of_id(cgroup.id()) {
        Some(scope) => enter_scope(task, scope),
        None => remove(task.process()),
    }
}

fn enter_scope(task: Task, scope: u32) {
    let id = task.process();
    if let Some(entry) = of(id) {
        // SAFETY: checked for null; one word.
        if unsafe { (*entry).scope } == scope {
            // Moved inside its own scope: its lineage stays.
            return;
        }
    }
    if scope::watched(scope).is_none() {
        return;
    }
    let Some(program) = program::of_joiner(scope) else {
        loss::count(Loss::Processes);
        return;
    };
    let joiner = Process {
        scope,
        session: 0,
        joined_in: task.mount_namespace(),
        phase: Phase::Runtime as u8,
        reserved: [0; 3],
    };
    insert(id, &joiner, program);
}

pub fn fork(parent: Task, child: Task) {
    let (of_parent, of_child) = (parent.process(), child.process());
    if of_parent == of_child {
        return;
    }
    // CLONE_INTO_CGROUP: born in another cgroup than its parent's.
    let cgroup = child.cgroup().id();
    if cgroup != parent.cgroup().id()
        && let Some(scope) = scope::of_id(cgroup)
    {
        enter_scope(child, scope);
        return;
    }
    let (Some(entry), Some(program)) = (of(of_parent), program_of(of_parent)) else {
        return;
    };
    // SAFETY: checked for null; words that only the parent writes.
    let inherited = unsafe { *entry };
    if scope::watched(inherited.scope).is_none() {
        return;
    }
    insert(of_child, &inherited, program);
}

pub fn exec(task: Task, old_thread: u32, binprm: *const u8) {
    let Some(entry) = of(task.process()) else {
        return;
    };
    // SAFETY: checked for null; only this process writes its own entry after it joined.
    let entry = unsafe { &mut *entry };
    let Some(scope) = scope::watched(entry.scope) else {
        remove(task.process());
        return;
    };
    denials::execed(task, old_thread);
    if entry.phase == Phase::Runtime as u8 && crosses(scope, entry, task) {
        if scope.workload_began == 0 {
            began(scope, task);
            scope::changed(entry.scope);
            entry.phase = Phase::Workload as u8;
        } else {
            entry.phase = Phase::Exec as u8;
            entry.session = session::of(entry.scope, task);
        }
    }
    let Some(key) = PROGRAM_SCRATCH.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: this CPU's own, and tracing programs do not interrupt one another on it.
    let key = unsafe { &mut *key };
    key.scope = entry.scope;
    key.session = entry.session;
    key.phase = entry.phase;
    key.reserved = [0; 7];
    read_exe(key, binprm);
    // Without room, its calls are filed under the program before.
    if let Some(program) = program::of(key) {
        runs(task.process(), program);
    }
    if gains(binprm)
        && let Some(program) = program_of(task.process()).and_then(program::at)
    {
        // SAFETY: checked for null; a racing store writes the same 1.
        unsafe { (*program).gained = 1 };
    }
}

/// Whether the exec gave more than the caller had: set-id, file capabilities
/// (`cap_bprm_creds_from_file`,
/// <https://github.com/torvalds/linux/blob/v6.18/security/commoncap.c>).
fn gains(binprm: *const u8) -> bool {
    let bit = offset!(binprm_secureexec_bit);
    load::<u8>(binprm, bit / 8) & 1 << (bit % 8) != 0
}

/// Whether it is a runtime that has not loaded the filter yet: what it does is its set-up and does
/// not count.
pub fn sets_up(task: Task) -> bool {
    if task.is_filtered() {
        return false;
    }
    let Some(entry) = of(task.process()) else {
        return false;
    };
    // SAFETY: checked for null; words that the process itself writes, at exec.
    let (phase, scope) = unsafe { ((*entry).phase, (*entry).scope) };
    // Where there is no container runtime, a process is part of its scope from joining.
    let is_part =
        || scope::watched(scope).is_some_and(|scope| scope.boundary == Boundary::Exec as u8);
    phase == Phase::Runtime as u8 && !is_part()
}

fn crosses(scope: &Scope, joiner: &Process, task: Task) -> bool {
    scope.boundary == Boundary::Exec as u8
        || task.is_filtered()
        || (scope.boundary == Boundary::Container as u8
            && joiner.joined_in != task.mount_namespace())
}

fn began(scope: &mut Scope, task: Task) {
    scope.filtered = u8::from(task.is_filtered());
    scope.no_new_privileges = u8::from(task.has_no_new_privileges());
    scope.bounding_set = task.bounding_set();
    // SAFETY: the helper has no preconditions.
    scope.began_ns = unsafe { bpf_ktime_get_boot_ns() };
    scope.workload_began = 1;
}

/// A key is compared byte by byte, so what lies behind the name is zeroed.
fn read_exe(key: &mut ProgramKey, binprm: *const u8) {
    key.exe = [0; EXE_LEN];
    if READ_STRINGS.load() != 0 {
        let filename: *const u8 = load(binprm, offset!(binprm_filename));
        // SAFETY: the helper checks the source and bounds the copy by the length.
        unsafe {
            bpf_probe_read_kernel_str(key.exe.as_mut_ptr().cast(), EXE_LEN as u32, filename.cast());
        }
    }
}

/// Runs for each thread; the process ends with its last.
pub fn exit(task: Task) {
    denials::ended(task);
    capabilities::missed(task);
    if task.live_threads() == 0 {
        remove(task.process());
    }
}
