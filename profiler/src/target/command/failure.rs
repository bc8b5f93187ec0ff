//! How a child tells which step failed: through shared memory, where it needs no call to do so.

use std::io;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicI32, Ordering};

/// From fork to exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Step {
    Join = 1,
    NoNewPrivileges = 2,
    Filter = 3,
    Exec = 4,
}

impl Step {
    const ALL: [Self; 4] = [Self::Join, Self::NoNewPrivileges, Self::Filter, Self::Exec];
}

/// The step that failed, and its errno; zero until one does.
#[repr(C)]
struct Failure {
    step: AtomicI32,
    errno: AtomicI32,
}

/// Lies in memory that parent and child share.
pub(super) struct SharedFailure(NonNull<Failure>);

// SAFETY: the mapping lives as long as this does, and holds atomics.
unsafe impl Send for SharedFailure {}
// SAFETY: as above.
unsafe impl Sync for SharedFailure {}

impl SharedFailure {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: a fresh anonymous mapping.
        let page = unsafe {
            libc::mmap(
                null_mut(),
                size_of::<Failure>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(
            NonNull::new(page.cast()).expect("the kernel maps nothing at address zero unasked"),
        ))
    }

    /// Async-signal-safe.
    pub(super) fn set(&self, step: Step, errno: i32) {
        self.failure().errno.store(errno, Ordering::Release);
        self.failure().step.store(step as i32, Ordering::Release);
    }

    pub(super) fn get(&self) -> Option<(Step, i32)> {
        let number = self.failure().step.load(Ordering::Acquire);
        let step = Step::ALL.into_iter().find(|&step| step as i32 == number)?;
        Some((step, self.failure().errno.load(Ordering::Acquire)))
    }

    fn failure(&self) -> &Failure {
        // SAFETY: mapped, and zeroed by the kernel, which is a valid `Failure`.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedFailure {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Failure>()) };
    }
}
