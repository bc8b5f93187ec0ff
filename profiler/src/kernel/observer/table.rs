//! A BPF array that user space reads and writes through a memory mapping.

use std::marker::PhantomData;
use std::os::fd::{AsFd as _, AsRawFd as _};

use aya::Ebpf;
use aya::maps::Map;
use memmap2::{MmapOptions, MmapRaw};

use super::ObserverError;
use super::maps::{map_error, missing};

/// The kernel writes it at any time: each look is a volatile copy.
pub(super) struct Table<T> {
    memory: MmapRaw,
    len: u32,
    _element: PhantomData<T>,
}

impl<T: aya::Pod> Table<T> {
    pub(super) fn map(ebpf: &Ebpf, name: &'static str, len: u32) -> Result<Self, ObserverError> {
        // The kernel rounds elements up to 8 bytes: array_map_alloc,
        // <https://github.com/torvalds/linux/blob/v6.18/kernel/bpf/arraymap.c>.
        const { assert!(size_of::<T>().is_multiple_of(8)) };
        let Some(Map::Array(data)) = ebpf.map(name) else {
            return Err(missing(name));
        };
        let memory = MmapOptions::new()
            .len(len as usize * size_of::<T>())
            .map_raw(data.fd().as_fd().as_raw_fd())
            .map_err(|source| map_error(name, source))?;
        Ok(Self {
            memory,
            len,
            _element: PhantomData,
        })
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// For reading and writing single fields in place.
    pub(super) fn at(&self, index: u32) -> *mut T {
        assert!(index < self.len, "an index of the kernel's is in its table");
        // SAFETY: below the length that was mapped.
        unsafe { self.memory.as_mut_ptr().cast::<T>().add(index as usize) }
    }

    pub(super) fn read(&self, index: u32) -> T {
        // SAFETY: inside the mapping; plain data, valid for every bit pattern.
        unsafe { self.at(index).read_volatile() }
    }

    pub(super) fn clear(&self, index: u32) {
        // SAFETY: inside the mapping; zeroes are valid for plain data.
        unsafe { self.at(index).write_volatile(std::mem::zeroed()) };
    }
}
