//! Whose a process is, by lineage: who joined a scope, what they exec'd, what those forked.
//!
//! A joiner is the runtime's until it execs behind the filter. What the first one execs is the
//! workload; what later ones exec are exec sessions. Children inherit. No names are compared.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::map;
use aya_ebpf::maps::HashMap;
use profiler_common::{EXE_LEN, Loss, PROCESSES, Phase, Process};

use crate::kernel::{Cgroup, Task, load, offset};
use crate::{denials, loss, scope};

#[map]
static PROCESS_TABLE: HashMap<u32, Process> = HashMap::with_max_entries(PROCESSES, 0);

/// Cleared by the loader where lockdown=confidentiality refuses to read kernel strings.
#[unsafe(no_mangle)]
static READ_STRINGS: aya_ebpf::Global<u8> = aya_ebpf::Global::new(1);

#[inline(always)]
pub fn of(process: u32) -> Option<*mut Process> {
    PROCESS_TABLE.get_ptr_mut(&process)
}

/// A process that is in no table overflowed it: the workload's, so that nothing it calls is
/// taken for the runtime's.
#[inline(always)]
pub fn phase_of(entry: Option<*mut Process>) -> Phase {
    // SAFETY: the verifier checked the entry for null; a racing removal leaves stale bytes.
    let phase = entry.map_or(Phase::Workload as u8, |entry| unsafe { (*entry).phase });
    match Phase::from_index(phase) {
        Some(phase) => phase,
        None => Phase::Workload,
    }
}

/// A task was moved into a cgroup, by itself or another.
pub fn joined(cgroup: Cgroup, task: Task) {
    if !cgroup.is_v2() {
        return;
    }
    if let Some(slot) = scope::of_id(cgroup.id()) {
        enter_scope(task.process(), slot);
    }
}

fn enter_scope(process: u32, slot: u32) {
    if let Some(entry) = of(process) {
        // SAFETY: checked for null; one word.
        if unsafe { (*entry).slot } == slot {
            // Moved inside its own scope: its lineage stays.
            return;
        }
    }
    let joiner = Process {
        slot,
        phase: Phase::Runtime as u8,
        reserved: [0; 3],
        exe: [0; EXE_LEN],
    };
    if PROCESS_TABLE.insert(process, &joiner, 0).is_err() {
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
        && let Some(slot) = scope::of_id(cgroup)
    {
        enter_scope(of_child, slot);
        return;
    }
    let Some(entry) = of(of_parent) else { return };
    // SAFETY: checked for null; the kernel copies the value.
    if PROCESS_TABLE
        .insert(of_child, unsafe { &*entry }, 0)
        .is_err()
    {
        loss::count(Loss::Processes);
    }
}

pub fn exec(task: Task, binprm: *const u8) {
    denials::execed(task);
    let Some(entry) = of(task.process()) else {
        return;
    };
    // SAFETY: checked for null; only this process writes its own entry after it joined.
    let entry = unsafe { &mut *entry };
    if entry.phase == Phase::Runtime as u8
        && let Some(slot) = scope::slot(entry.slot)
    {
        // SAFETY: checked for null; single bytes.
        unsafe {
            if task.is_filtered() || (*slot).behind_filter_only == 0 {
                entry.phase = if (*slot).workload_began == 0 {
                    (*slot).workload_began = 1;
                    Phase::Workload as u8
                } else {
                    Phase::Exec as u8
                };
            }
        }
    }
    if READ_STRINGS.load() != 0 {
        let filename: *const u8 = load(binprm, offset!(binprm_filename));
        // SAFETY: the helper checks the source and bounds the copy by the length.
        unsafe {
            bpf_probe_read_kernel_str(
                entry.exe.as_mut_ptr().cast(),
                EXE_LEN as u32,
                filename.cast(),
            );
        }
    }
}

/// Runs for each thread; the process ends with its last.
pub fn exit(task: Task) {
    denials::ended(task);
    if task.live_threads() == 0 {
        // Most processes are in no scope.
        let _ = PROCESS_TABLE.remove(task.process());
    }
}
