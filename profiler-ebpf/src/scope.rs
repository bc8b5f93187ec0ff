//! Which slot a cgroup's calls belong to.
//!
//! User space registers a root; cgroups made below one inherit its slot here, before any task can
//! join them, so nobody races a container's start.

use aya_ebpf::helpers::bpf_get_current_cgroup_id;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap};
use profiler_common::{CGROUPS, Loss, SLOTS, Slot};

use crate::kernel::Cgroup;
use crate::loss;

const BPF_F_MMAPABLE: u32 = 1 << 10;

/// Cgroup id → slot. A hash map, since user space and cgroup_mkdir both insert.
#[map]
static SCOPES: HashMap<u64, u32> = HashMap::with_max_entries(CGROUPS, 0);

/// User space reads these through a memory mapping.
#[map]
static SLOT_TABLE: Array<Slot> = Array::with_max_entries(SLOTS, BPF_F_MMAPABLE);

#[inline(always)]
pub fn of_current() -> Option<u32> {
    // SAFETY: the helper has no preconditions.
    of_id(unsafe { bpf_get_current_cgroup_id() })
}

#[inline(always)]
pub fn of_id(cgroup: u64) -> Option<u32> {
    // SAFETY: a slot number is one word; a racing removal yields the old one.
    unsafe { SCOPES.get(&cgroup) }.copied()
}

#[inline(always)]
pub fn slot(index: u32) -> Option<*mut Slot> {
    SLOT_TABLE.get_ptr_mut(index)
}

pub fn cgroup_made(cgroup: Cgroup) {
    if !cgroup.is_v2() {
        return;
    }
    let Some(slot) = cgroup.parent_id().and_then(of_id) else {
        return;
    };
    if SCOPES.insert(cgroup.id(), slot, 0).is_err() {
        loss::count(Loss::Cgroups);
    }
}

pub fn cgroup_removed(cgroup: Cgroup) {
    if cgroup.is_v2() {
        // Most removed cgroups were never watched.
        let _ = SCOPES.remove(cgroup.id());
    }
}
