//! Which scope a cgroup belongs to.
//!
//! User space registers a root, or a parent whose children each become a scope of their own (an
//! engine's containers). Cgroups made below a scope's root inherit it. All that happens here,
//! before any task can join them, so nobody races a container's start.

use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, Queue, RingBuf};
use profiler_common::{CGROUPS, Loss, PATH_LEN, SCOPES, Scope, ScopeState};

use crate::kernel::Cgroup;
use crate::loss;
use crate::process::READ_STRINGS;

pub const BPF_F_MMAPABLE: u32 = 1 << 10;

/// Cgroup id → scope. A hash map, since user space and cgroup_mkdir both insert.
#[map]
static CGROUP_TABLE: HashMap<u64, u32> = HashMap::with_max_entries(CGROUPS, 0);

/// Ids of cgroups whose children become scopes, and the [`profiler_common::Boundary`] that those
/// get.
#[map]
static PARENTS: HashMap<u64, u8> = HashMap::with_max_entries(64, 0);

/// User space reads these through a memory mapping.
#[map]
static SCOPE_TABLE: Array<Scope> = Array::with_max_entries(SCOPES, BPF_F_MMAPABLE);

/// Indices of scopes that are free; user space fills it.
#[map]
static FREE_SCOPES: Queue<u32> = Queue::with_max_entries(SCOPES, 0);

/// Wakes user space when a scope was born, began or ended; what happened stands in the table, so
/// that one which does not fit loses nothing.
#[map]
static SCOPE_EVENTS: RingBuf = RingBuf::with_byte_size(1 << 16, 0);

#[inline(always)]
pub fn of_id(cgroup: u64) -> Option<u32> {
    // SAFETY: an index is one word; a racing removal yields the old one.
    unsafe { CGROUP_TABLE.get(&cgroup) }.copied()
}

/// `None` also for a scope that is free or dropped.
#[inline(always)]
pub fn watched<'a>(index: u32) -> Option<&'a mut Scope> {
    let scope = SCOPE_TABLE.get_ptr_mut(index)?;
    // SAFETY: checked for null; fields are single words that one writer sets once.
    let scope = unsafe { &mut *scope };
    (scope.state == ScopeState::Watched as u8).then_some(scope)
}

pub fn changed(index: u32) {
    // Full: user space has reason enough to look already.
    let _ = SCOPE_EVENTS.output::<u32>(&index, 0);
}

pub fn cgroup_made(cgroup: Cgroup, path: *const u8) {
    if !cgroup.is_v2() {
        return;
    }
    let Some(parent) = cgroup.parent_id() else {
        return;
    };
    if let Some(scope) = of_id(parent) {
        if CGROUP_TABLE.insert(cgroup.id(), scope, 0).is_err() {
            loss::count(Loss::Cgroups);
        }
    // SAFETY: one byte; user space sets it before and never changes it.
    } else if let Some(boundary) = unsafe { PARENTS.get(&parent) }.copied() {
        born(cgroup.id(), boundary, path);
    }
}

fn born(cgroup: u64, boundary: u8, path: *const u8) {
    let Ok(Some(index)) = FREE_SCOPES.pop() else {
        loss::count(Loss::Scopes);
        return;
    };
    let Some(scope) = SCOPE_TABLE.get_ptr_mut(index) else {
        return;
    };
    // SAFETY: checked for null, and taken out of the free ones: nobody else has it. User space
    // zeroed it, and reads it once the state is set.
    unsafe {
        (*scope).cgroup = cgroup;
        (*scope).born_ns = bpf_ktime_get_boot_ns();
        (*scope).boundary = boundary;
        if READ_STRINGS.load() != 0 {
            bpf_probe_read_kernel_str(
                (&raw mut (*scope).path).cast(),
                PATH_LEN as u32,
                path.cast(),
            );
        }
        core::ptr::write_volatile(&raw mut (*scope).state, ScopeState::Watched as u8);
    }
    if CGROUP_TABLE.insert(cgroup, index, 0).is_err() {
        loss::count(Loss::Scopes);
    }
    changed(index);
}

pub fn cgroup_removed(cgroup: Cgroup) {
    if !cgroup.is_v2() {
        return;
    }
    let id = cgroup.id();
    let Some(index) = of_id(id) else { return };
    let _ = CGROUP_TABLE.remove(id);
    if let Some(scope) = SCOPE_TABLE.get_ptr_mut(index) {
        // SAFETY: checked for null; the root's removal is one event.
        unsafe {
            if (*scope).cgroup == id {
                (*scope).ended_ns = bpf_ktime_get_boot_ns();
                changed(index);
            }
        }
    }
}
