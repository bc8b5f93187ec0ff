//! Counts what did not fit, so that nothing is lost in silence.

use aya_ebpf::macros::map;
use aya_ebpf::maps::PerCpuArray;
use profiler_common::Loss;

#[map]
static LOSSES: PerCpuArray<u64> = PerCpuArray::with_max_entries(Loss::COUNT, 0);

#[inline(always)]
pub fn count(loss: Loss) {
    if let Some(counter) = LOSSES.get_ptr_mut(loss as u32) {
        // SAFETY: this CPU's own counter, and tracing programs do not interrupt one another on it.
        unsafe { *counter += 1 };
    }
}
