//! From fork to exec: into the cgroup, under the filter, and off.
//!
//! Not by `std::process::Command`: its child reports a failed exec by write(2), behind the filter
//! here, and aborts where that is refused, so that a strict profile looks like a command that
//! crashed (<https://github.com/rust-lang/rust/blob/1.95.0/library/std/src/sys/process/unix/unix.rs>).
//! This child reports through shared memory and needs no call at all.

use std::ffi::c_char;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr::{null, null_mut};

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::failure::{SharedFailure, Step};
use super::plan::{Plan, pointers};

/// The child's name until exec replaces it; a dead child that still has it never came so far.
const COMM: &std::ffi::CStr = c"profiler:exec";

/// How the child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Exited(i32),
    Signalled(i32),
    /// Before exec, with the errno.
    Failed(Step, i32),
    /// By this signal.
    DiedBeforeExec(i32),
}

pub(super) struct Child {
    pid: libc::pid_t,
    pidfd: AsyncFd<OwnedFd>,
    failure: SharedFailure,
    reaped: bool,
}

impl Child {
    /// Inside a tokio runtime.
    pub(super) fn start(plan: &Plan<'_>) -> io::Result<Self> {
        let failure = SharedFailure::new()?;
        let argv = pointers(&plan.argv);
        let environment = pointers(&plan.environment);
        let filter = libc::sock_fprog {
            len: plan.filter_length,
            filter: plan.filter.as_ptr().cast_mut(),
        };
        // Our handlers must not run in the child: they would tell us of signals sent to it.
        let mut mask = SigSet::empty();
        pthread_sigmask(
            SigmaskHow::SIG_SETMASK,
            Some(&SigSet::all()),
            Some(&mut mask),
        )?;
        // SAFETY: the child calls async-signal-safe functions only.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: in the child, and all pointers are the parent's copied.
            unsafe { become_command(plan, &argv, &environment, &filter, &mask, &failure) }
        }
        let forked = if pid < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(pid)
        };
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
        let pid = forked?;
        match watch(pid) {
            Ok(pidfd) => Ok(Self {
                pid,
                pidfd,
                failure,
                reaped: false,
            }),
            Err(error) => {
                // SAFETY: our own child, not yet waited for.
                unsafe {
                    libc::kill(pid, libc::SIGKILL);
                    libc::waitpid(pid, null_mut(), 0);
                }
                Err(error)
            }
        }
    }

    pub(super) fn signal(&self, signal: libc::c_int) {
        // It may have ended meanwhile, and then there is nobody to tell.
        // SAFETY: the descriptor is open; no siginfo is passed.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.pidfd.as_raw_fd(),
                signal,
                null::<libc::siginfo_t>(),
                0,
            )
        };
    }

    pub(super) async fn wait(&mut self) -> io::Result<End> {
        // Readable means ended, and stays so: nothing to clear.
        let _ready = self.pidfd.readable().await?;
        // The name is to be read while the dead child is still there.
        let comm = std::fs::read(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        let exit = self.reap()?;
        Ok(match (self.failure.get(), exit) {
            (Some((step, errno)), _) => End::Failed(step, errno),
            (None, End::Signalled(signal)) if comm.trim_ascii_end() == COMM.to_bytes() => {
                End::DiedBeforeExec(signal)
            }
            (None, exit) => exit,
        })
    }

    fn reap(&mut self) -> io::Result<End> {
        let mut status = 0;
        // SAFETY: our own child, waited for once.
        while unsafe { libc::waitpid(self.pid, &raw mut status, 0) } == -1 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.reaped = true;
        Ok(if libc::WIFSIGNALED(status) {
            End::Signalled(libc::WTERMSIG(status))
        } else {
            End::Exited(libc::WEXITSTATUS(status))
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(libc::SIGKILL);
            let _ = self.reap();
        }
    }
}

fn watch(pid: libc::pid_t) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: takes numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = libc::c_int::try_from(fd).expect("descriptors are ints");
    // SAFETY: a fresh descriptor that nobody else owns.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: owned by the result, and open as long as it.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// # Safety
/// To be called in a forked child only: it replaces the process.
unsafe fn become_command(
    plan: &Plan<'_>,
    argv: &[*const c_char],
    environment: &[*const c_char],
    filter: &libc::sock_fprog,
    mask: &SigSet,
    failure: &SharedFailure,
) -> ! {
    // SAFETY: the calls are async-signal-safe, and their pointers are valid until exec.
    unsafe {
        give_back_signals(mask);
        libc::prctl(libc::PR_SET_NAME, COMM.as_ptr(), 0, 0, 0);
        // A child that the filter kills here leaves no core file; exec makes it dumpable again.
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);

        if libc::write(plan.cgroup_procs.as_raw_fd(), c"0".as_ptr().cast(), 1) != 1 {
            give_up(failure, Step::Join);
        }
        if plan.set_no_new_privileges && libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            give_up(failure, Step::NoNewPrivileges);
        }
        if libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const *filter,
        ) != 0
        {
            give_up(failure, Step::Filter);
        }
        libc::execve(plan.program.as_ptr(), argv.as_ptr(), environment.as_ptr());
        give_up(failure, Step::Exec)
    }
}

/// As the command would have found them without us.
///
/// # Safety
/// In a forked child only.
unsafe fn give_back_signals(mask: &SigSet) {
    // SAFETY: an all-zero sigaction means SIG_DFL with no flags.
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    for signal in 1..=libc::SIGRTMAX() {
        let mut action = default;
        // SAFETY: asks, then sets the default; a signal that cannot be set says so and is left.
        unsafe {
            libc::sigaction(signal, null(), &raw mut action);
            let handled = ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction);
            // Rust's runtime ignores SIGPIPE in us
            // (<https://github.com/rust-lang/rust/blob/1.95.0/library/std/src/sys/pal/unix/mod.rs>).
            if handled || signal == libc::SIGPIPE {
                libc::sigaction(signal, &raw const default, null_mut());
            }
        }
    }
    // SAFETY: the mask is the one we had.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, mask.as_ref(), null_mut()) };
}

/// Tells why and ends, by a call if the filter lets it, by an illegal instruction if not.
fn give_up(failure: &SharedFailure, step: Step) -> ! {
    // SAFETY: errno is this thread's.
    let errno = unsafe { *libc::__errno_location() };
    failure.set(step, errno);
    // SAFETY: ends this process.
    unsafe {
        libc::syscall(libc::SYS_exit_group, 125);
        std::arch::asm!("ud2", options(noreturn));
    }
}
