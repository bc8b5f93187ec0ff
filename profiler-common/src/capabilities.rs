//! Capability checks.

/// Return addresses that are kept of a check.
pub const STACK_LEN: usize = 16;

/// A capability check as it is asked for.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Check {
    /// Addresses.
    pub cred: u64,
    pub target_ns: u64,
    pub capability: i32,
    /// As [`CapabilityKey::opts`].
    pub opts: u32,
}

/// A check whose verdict is still to come.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct CheckInFlight {
    pub check: Check,
    /// Nanoseconds of CLOCK_BOOTTIME.
    pub entered_ns: u64,
}

/// The kernel's `CAP_OPT_NOAUDIT`
/// (<https://elixir.bootlin.com/linux/v6.18/source/include/linux/security.h>).
pub const OPT_NO_AUDIT: u32 = 2;
/// The hook does not see the options.
pub const OPTS_UNSEEN: u32 = u32::MAX;
/// The credentials asked were the task's own, not borrowed ones (overlayfs works with the
/// mounter's).
pub const CHECK_OWN_CREDENTIALS: u8 = 1;
/// The namespace asked about is the one that the task's credentials live in.
pub const CHECK_OWN_NAMESPACE: u8 = 2;

/// A capability check, told apart by who in the kernel asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct CapabilityKey {
    /// Return addresses, innermost first, zero past the end.
    pub stack: [u64; STACK_LEN],
    pub program: u32,
    /// The call in flight (the pt_regs' orig_ax), without the x32 bit; -1 where there is none.
    pub number: i32,
    pub abi: u8,
    pub capability: u8,
    /// 1 granted, 0 denied.
    pub granted: u8,
    /// `CHECK_*` bits.
    pub flags: u8,
    /// The kernel's `CAP_OPT_*` bits, or [`OPTS_UNSEEN`].
    pub opts: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct CapabilitySeen {
    /// Nanoseconds of CLOCK_BOOTTIME, at the first sight.
    pub time_ns: u64,
    pub count: u64,
    pub process: u32,
    pub thread: u32,
    pub comm: [u8; 16],
}
