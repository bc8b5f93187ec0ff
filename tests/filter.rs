//! The seccomp program that a process runs under, as the kernel has it.

use std::io;
use std::ptr;

use libc::{c_long, pid_t, sock_filter};

/// <https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/ptrace.h>; the crate libc has it not.
const PTRACE_SECCOMP_GET_FILTER: libc::c_uint = 0x420c;

/// `None` where it runs under none. Of several, the newest. Stops the process for a moment; takes
/// CAP_SYS_ADMIN, no filter of our own, and a kernel with CONFIG_CHECKPOINT_RESTORE.
pub fn of_process(process: pid_t) -> io::Result<Option<Vec<sock_filter>>> {
    let _stopped = Stopped::new(process)?;
    // SAFETY: without a place to write to, the kernel tells the length only.
    let length = match unsafe { ask(process, ptr::null_mut()) } {
        // It has no filter; not that there is no such question (EIO).
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => return Ok(None),
        length => length?,
    };
    let nothing = sock_filter {
        code: 0,
        jt: 0,
        jf: 0,
        k: 0,
    };
    let mut program = vec![nothing; length];
    // SAFETY: a stopped process' filter has the length that it had.
    unsafe { ask(process, program.as_mut_ptr()) }?;
    Ok(Some(program))
}

/// # Safety
///
/// `into` is null, or has room for the whole program.
unsafe fn ask(process: pid_t, into: *mut sock_filter) -> io::Result<usize> {
    const NEWEST: usize = 0;
    // SAFETY: the kernel writes the program and nothing else.
    let result = unsafe { libc::ptrace(PTRACE_SECCOMP_GET_FILTER, process, NEWEST, into) };
    usize::try_from(checked(result)?).map_err(io::Error::other)
}

/// A process that we trace, until it is dropped.
struct Stopped(pid_t);

impl Stopped {
    fn new(process: pid_t) -> io::Result<Self> {
        const NOTHING: usize = 0;
        // SAFETY: writes no memory.
        checked(unsafe { libc::ptrace(libc::PTRACE_SEIZE, process, NOTHING, NOTHING) })?;
        let stopped = Self(process);
        // SAFETY: as above.
        checked(unsafe { libc::ptrace(libc::PTRACE_INTERRUPT, process, NOTHING, NOTHING) })?;
        // SAFETY: a status is not asked for.
        let waited = unsafe { libc::waitpid(process, ptr::null_mut(), libc::__WALL) };
        checked(waited.into())?;
        Ok(stopped)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        const NOTHING: usize = 0;
        // SAFETY: writes no memory.
        unsafe { libc::ptrace(libc::PTRACE_DETACH, self.0, NOTHING, NOTHING) };
    }
}

fn checked(result: c_long) -> io::Result<c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
