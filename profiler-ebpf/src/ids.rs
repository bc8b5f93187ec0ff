//! A word a process or thread, in arrays by its id: the kernel's compiler turns a look-up in an
//! array into a few instructions, but calls a function for a hash map.

use aya_ebpf::maps::Array;
use profiler_common::{IDS, IdWords};

pub type ById = Array<IdWords>;

/// `None` where the loader made the array for fewer ids.
#[inline(always)]
pub fn word(words: &ById, id: u32) -> Option<*mut u32> {
    let element = words.get_ptr_mut(id / IDS)?;
    // SAFETY: the remainder lies in the element.
    Some(unsafe { element.cast::<u32>().add((id % IDS) as usize) })
}
