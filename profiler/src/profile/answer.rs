//! What a filter answers a call with: an action and its errno, as the kernel reads both out of one
//! 32-bit value (<https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/seccomp.h#L38-L49>).

use std::fmt;

use nix::errno::Errno;

use super::{Action, Rule};

/// For `SCMP_ACT_ERRNO` and `SCMP_ACT_TRACE` without an errno of their own.
const DEFAULT_ERRNO: u32 = libc::EPERM.unsigned_abs();

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    Allow,
    Log,
    Trace(u16),
    Notify,
    Errno(u16),
    Trap,
    KillThread,
    KillProcess,
}

impl Answer {
    pub const ENOSYS: Self = Self::Errno(38);

    /// As runc and libseccomp encode it: 16 bits of the errno, and only where there is one.
    pub fn new(action: Action, errno: Option<u32>) -> Self {
        let data = errno.unwrap_or(DEFAULT_ERRNO) & libc::SECCOMP_RET_DATA;
        let data = u16::try_from(data).expect("the mask has 16 bits");
        match action {
            Action::Allow => Self::Allow,
            Action::Log => Self::Log,
            Action::Trace => Self::Trace(data),
            Action::Notify => Self::Notify,
            Action::Errno => Self::Errno(data),
            Action::Trap => Self::Trap,
            Action::KillThread => Self::KillThread,
            Action::KillProcess => Self::KillProcess,
        }
    }

    /// What the filter returns.
    pub fn value(self) -> u32 {
        match self {
            Self::Allow => libc::SECCOMP_RET_ALLOW,
            Self::Log => libc::SECCOMP_RET_LOG,
            Self::Trace(data) => libc::SECCOMP_RET_TRACE | u32::from(data),
            Self::Notify => libc::SECCOMP_RET_USER_NOTIF,
            Self::Errno(data) => libc::SECCOMP_RET_ERRNO | u32::from(data),
            Self::Trap => libc::SECCOMP_RET_TRAP,
            Self::KillThread => libc::SECCOMP_RET_KILL_THREAD,
            Self::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
        }
    }

    /// Whether the call is made, or may be: who can trace a process decides what becomes of its calls
    /// (<https://man7.org/linux/man-pages/man2/seccomp.2.html>, of `SECCOMP_RET_TRACE`).
    pub fn permits(self) -> bool {
        matches!(
            self,
            Self::Allow | Self::Log | Self::Trace(_) | Self::Notify
        )
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allowed"),
            Self::Log => f.write_str("allowed and logged"),
            Self::Trace(_) => f.write_str("left to a tracer"),
            Self::Notify => f.write_str("left to an agent"),
            Self::Errno(number) => match Errno::from_raw(i32::from(*number)) {
                Errno::UnknownErrno => write!(f, "errno {number}"),
                known => write!(f, "{known:?}"),
            },
            Self::Trap => f.write_str("SIGSYS"),
            Self::KillThread => f.write_str("the thread is killed"),
            Self::KillProcess => f.write_str("the process is killed"),
        }
    }
}

impl From<&Rule> for Answer {
    fn from(rule: &Rule) -> Self {
        Self::new(rule.action, rule.errno_ret)
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use crate::profile::Action;

    #[test]
    fn an_errno_has_sixteen_bits_and_is_eperm_unless_said() {
        let answer = |errno| Answer::new(Action::Errno, errno);
        assert_eq!(answer(None), Answer::Errno(1));
        assert_eq!(answer(Some(libc::ENOSYS.unsigned_abs())), Answer::ENOSYS);
        assert_eq!(answer(Some(0x0001_0026)), Answer::ENOSYS);
        assert_eq!(Answer::new(Action::Allow, Some(38)), Answer::Allow);
        assert_eq!(answer(Some(38)).value(), 0x0005_0026);
        assert_eq!(Answer::new(Action::Trace, None).value(), 0x7ff0_0001);
    }
}
