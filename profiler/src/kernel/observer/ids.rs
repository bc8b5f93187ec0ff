//! A word a process or thread, in arrays by its id.

use std::sync::atomic::AtomicU32;

use profiler_common::{IDS, IdWords};

use super::ObserverError;
use super::table::Table;

/// `PID_MAX_LIMIT` of 64-bit kernels
/// (<https://github.com/torvalds/linux/blob/v6.18/include/linux/threads.h>).
const MOST_IDS: u32 = 4_194_304;

/// Elements for every id that there can be today. One of a pid namespace whose parent allows more
/// is counted as lost.
pub(super) fn elements() -> u32 {
    let limit = std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap_or_default();
    let ids = limit.trim().parse().unwrap_or(MOST_IDS);
    ids.div_ceil(IDS)
}

pub(super) fn word(words: &Table<IdWords>, id: u32) -> Result<&AtomicU32, ObserverError> {
    let (element, place) = (id / IDS, (id % IDS) as usize);
    if element >= words.len() {
        return Err(ObserverError::Id(id));
    }
    // SAFETY: inside the mapping, which lives as long as the table; the remainder lies in the
    // element, and both sides write whole words.
    Ok(unsafe { AtomicU32::from_ptr(words.at(element).cast::<u32>().add(place)) })
}
