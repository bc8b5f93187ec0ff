//! Whose a process is, by lineage: who joined a scope, what they exec'd, what those forked.
//!
//! A joiner is the runtime's until it execs beyond the scope's boundary. What the first one execs
//! is the workload; what later ones exec are exec sessions. Children inherit. No names are
//! compared.

use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray};
use profiler_common::{Boundary, EXE_LEN, Loss, PROCESSES, Phase, Process, ProgramKey, Scope};

use crate::kernel::{Cgroup, Task, load, offset};
use crate::{capabilities, denials, loss, program, scope, session};

/// By process id. User space adds those that ran before they were watched.
#[map]
static PROCESS_TABLE: HashMap<u32, Process> = HashMap::with_max_entries(PROCESSES, 0);

/// Too large for the stack beside other values.
#[map]
static PROGRAM_SCRATCH: PerCpuArray<ProgramKey> = PerCpuArray::with_max_entries(1, 0);

/// Cleared by the loader where lockdown=confidentiality refuses to read strings.
#[unsafe(no_mangle)]
pub static READ_STRINGS: aya_ebpf::Global<u8> = aya_ebpf::Global::new(1);

#[inline(always)]
pub fn of(process: u32) -> Option<*mut Process> {
    PROCESS_TABLE.get_ptr_mut(&process)
}

/// A task was moved into a cgroup, by itself or another.
pub fn joined(cgroup: Cgroup, task: Task) {
    if !cgroup.is_v2() {
        return;
    }
    match scope::of_id(cgroup.id()) {
        Some(scope) => enter_scope(task, scope),
        // Most tasks that move were in no scope.
        None => {
            let _ = PROCESS_TABLE.remove(task.process());
        }
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
        program,
        scope,
        session: 0,
        joined_in: task.mount_namespace(),
        phase: Phase::Runtime as u8,
        reserved: [0; 7],
    };
    if PROCESS_TABLE.insert(id, &joiner, 0).is_err() {
        loss::count(Loss::Processes);
    }
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
    let Some(entry) = of(of_parent) else { return };
    // SAFETY: checked for null; words that only the parent writes.
    let inherited = unsafe { *entry };
    if scope::watched(inherited.scope).is_none() {
        return;
    }
    if PROCESS_TABLE.insert(of_child, &inherited, 0).is_err() {
        loss::count(Loss::Processes);
    }
}

pub fn exec(task: Task, old_thread: u32, binprm: *const u8) {
    let Some(entry) = of(task.process()) else {
        return;
    };
    // SAFETY: checked for null; only this process writes its own entry after it joined.
    let entry = unsafe { &mut *entry };
    let Some(scope) = scope::watched(entry.scope) else {
        let _ = PROCESS_TABLE.remove(task.process());
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
        entry.program = program;
    }
    if gains(binprm)
        && let Some(program) = program::at(entry.program)
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

/// Whether what a process does in its scope counts before it has exec'd there: where there is no
/// container runtime.
pub fn is_part_from_joining(entry: *mut Process) -> bool {
    // SAFETY: the caller checked for null; one word.
    let scope = scope::watched(unsafe { (*entry).scope });
    scope.is_some_and(|scope| scope.boundary == Boundary::Exec as u8)
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
        // Most processes are in no scope.
        let _ = PROCESS_TABLE.remove(task.process());
    }
}
