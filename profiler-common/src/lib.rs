//! What the BPF programs and the collector share: the layout of slots, events and map entries.
//!
//! Plain `repr(C)` data without padding (checked at compile time below), because map keys are
//! compared byte by byte and user space reads the bytes as they lie. No behaviour lives here
//! beyond naming the indices.
#![no_std]

mod arguments;
mod capabilities;
mod layout;

pub use arguments::{
    ALWAYS, COMBINATIONS, Combination, KNOWN, NOTED_ARGUMENTS, NOTED_CALLS, NOTED_NUMBERS,
    NotedArgument, NotedCall, NotedKey, NotedSeen, ONLY_WHERE,
};
pub use capabilities::{
    CHECK_OWN_CREDENTIALS, CHECK_OWN_NAMESPACE, CapabilityKey, CapabilitySeen, Check,
    CheckInFlight, OPT_NO_AUDIT, OPTS_UNSEEN, STACK_LEN,
};
pub use layout::KernelLayout;

/// Scopes that can be watched at once, at most; a scope is one life of a container or a command.
/// The loader may give the table fewer.
pub const SCOPES: u32 = 4096;
/// Programs in all scopes at once, at most. The loader may give the table fewer.
pub const PROGRAMS: u32 = 16_384;
/// Exec sessions with a command line of their own, in all scopes at once.
pub const SESSIONS: u32 = 1024;
/// Cgroups that can belong to scopes at once, nested ones included.
pub const CGROUPS: u32 = 16_384;
/// Processes in all scopes at once.
pub const PROCESSES: u32 = 65_536;
/// Words in one element of an array by process or thread id. The kernel rounds an element up to 8
/// bytes, so that an element a word would take twice the memory.
pub const IDS: u32 = 1024;
pub type IdWords = [u32; IDS as usize];
/// Numbers a call set holds. x86_64 ends at 469 and x32's own calls at 547
/// (<https://elixir.bootlin.com/linux/v6.18/source/arch/x86/entry/syscalls/syscall_64.tbl>).
pub const NUMBERS: usize = 1024;
/// Bytes of an executable's path that are kept.
pub const EXE_LEN: usize = 128;
/// Bytes of a session's command line that are kept.
pub const ARGV_LEN: usize = 240;
/// Bytes of a cgroup's path that are kept.
pub const PATH_LEN: usize = 256;

/// A system call table that a number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Abi {
    X86_64 = 0,
    I386 = 1,
    X32 = 2,
}

impl Abi {
    pub const ALL: [Self; 3] = [Self::X86_64, Self::I386, Self::X32];

    pub const fn from_index(index: u8) -> Option<Self> {
        match index {
            0 => Some(Self::X86_64),
            1 => Some(Self::I386),
            2 => Some(Self::X32),
            _ => None,
        }
    }
}

/// The bit that marks an x32 call's number
/// (<https://elixir.bootlin.com/linux/v6.18/source/arch/x86/include/uapi/asm/unistd.h#L14>).
pub const X32_BIT: u32 = 0x4000_0000;

/// Whose call it is, by the lineage of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Behind the filter, by a process that joined the cgroup and has not exec'd since: the
    /// container runtime's tail.
    Runtime = 0,
    /// The first program that the scope ran behind the filter, and all that it started.
    Workload = 1,
    /// A later joiner's program (`docker exec`, a health check) and all that it started.
    Exec = 2,
}

impl Phase {
    pub const ALL: [Self; 3] = [Self::Runtime, Self::Workload, Self::Exec];

    pub const fn from_index(index: u8) -> Option<Self> {
        match index {
            0 => Some(Self::Runtime),
            1 => Some(Self::Workload),
            2 => Some(Self::Exec),
            _ => None,
        }
    }
}

/// One byte a number: [`UNSEEN`], [`SEEN`], [`SEEN_NOTED`] or from [`SEEN_ONE_NOTED`] on. A byte and
/// not a bit, because a plain store loses nothing whoever races, and needs no atomics.
pub type CallSet = [u8; NUMBERS];

pub const UNSEEN: u8 = 0;
/// There is nothing more to learn of the call.
pub const SEEN: u8 = 1;
/// What it is made with is noted, and may be new.
pub const SEEN_NOTED: u8 = 2;
/// The same where that is one argument, whose index (0 to 5) is added: [`Program::known`] may hold it.
pub const SEEN_ONE_NOTED: u8 = 3;

/// When a process that joined a scope has become a program of the scope's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Boundary {
    /// At an exec behind a seccomp filter.
    Filter = 0,
    /// At an exec behind a seccomp filter or in another mount namespace than it joined in: a
    /// container may have no filter.
    Container = 1,
    /// At any exec.
    Exec = 2,
}

/// What the kernel side knows of a scope. Lives in a memory-mapped array; [`ScopeState::Free`]
/// ones hold nothing. Index 0 is no scope's: it marks what belongs to none.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Scope {
    /// Of its root, in the v2 hierarchy.
    pub cgroup: u64,
    /// Nanoseconds of CLOCK_BOOTTIME; 0: not yet.
    pub born_ns: u64,
    pub began_ns: u64,
    pub ended_ns: u64,
    /// The bounding set that the workload began with.
    pub bounding_set: u64,
    /// [`ScopeState`]
    pub state: u8,
    /// [`Boundary`]
    pub boundary: u8,
    /// Set once the first joiner has exec'd: later joiners are exec sessions.
    pub workload_began: u8,
    /// Whether the workload began behind a filter.
    pub filtered: u8,
    /// Whether the workload began with no-new-privileges.
    pub no_new_privileges: u8,
    pub reserved: [u8; 3],
    /// Of the cgroup, from the hierarchy's root, NUL-terminated; empty for a scope that user
    /// space registered.
    pub path: [u8; PATH_LEN],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ScopeState {
    Free = 0,
    Watched = 1,
    /// Nobody wants to know: its processes are let go of at their next exec or fork.
    Dropped = 2,
}

/// An executable in one phase of a scope, and its calls. Lives in a memory-mapped array. Index 0 is
/// no program's: it marks a process in no scope.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Program {
    pub key: ProgramKey,
    /// Non-zero: an exec of it gained privileges (set-id, file capabilities).
    pub gained: u8,
    pub reserved: [u8; 7],
    /// By ABI, then number.
    pub seen: [CallSet; 3],
    /// Values of arguments that were noted, so that most calls need not look them up. Each place is
    /// that of many values, and holds one of them with its call: whoever writes it replaces all of it.
    pub known: [u64; KNOWN],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct ProgramKey {
    pub scope: u32,
    /// Index into the sessions, from 1; 0: none.
    pub session: u32,
    /// [`Phase`]
    pub phase: u8,
    pub reserved: [u8; 7],
    /// As given to exec, NUL-terminated; empty where it is not known.
    pub exe: [u8; EXE_LEN],
}

/// The command line of an exec session, arguments NUL-separated. Lives in a memory-mapped array.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Session {
    pub scope: u32,
    /// Bytes of `argv` that hold something.
    pub len: u32,
    pub argv: [u8; ARGV_LEN],
}

/// Sent once when a program first makes a call; explains, never decides.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct FirstSeen {
    /// Nanoseconds of CLOCK_BOOTTIME.
    pub time_ns: u64,
    pub args: [u64; 6],
    pub program: u32,
    /// As the filter sees it, without the x32 bit.
    pub number: i32,
    pub process: u32,
    pub thread: u32,
    pub abi: u8,
    pub reserved: [u8; 7],
    pub comm: [u8; 16],
}

/// A process in a scope. Which program it runs is kept apart, for the hot path.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Process {
    pub scope: u32,
    pub session: u32,
    /// The mount namespace that it joined in (its inode number).
    pub joined_in: u32,
    /// [`Phase`]
    pub phase: u8,
    pub reserved: [u8; 3],
}

/// A call whose number lies past [`NUMBERS`] or is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct StrayCall {
    pub program: u32,
    pub number: i32,
    pub abi: u8,
    pub reserved: [u8; 3],
}

/// A port below 1024 that a program asked to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct LowPort {
    pub program: u32,
    pub port: u16,
    pub reserved: [u8; 2],
}

/// A call that the filter answered instead of the kernel; watched where that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct DenialKey {
    pub program: u32,
    pub number: i32,
    /// What the caller got, a negative errno.
    pub result: i32,
    pub abi: u8,
    pub reserved: [u8; 3],
    pub comm: [u8; 16],
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct DenialSeen {
    pub time_ns: u64,
    pub count: u64,
    pub process: u32,
    pub thread: u32,
}

/// Index into the per-CPU loss counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Loss {
    /// The ring buffer was full: a call has no first-seen evidence. The call itself is kept.
    Events = 0,
    /// The process table was full, or its id larger than any was when watching began: a process'
    /// calls are missing.
    Processes = 1,
    /// The table of stray numbers was full: a call is missing.
    StrayCalls = 2,
    /// A table of capability checks was full, or the kernel did not show a verdict: a check is
    /// missing.
    CapabilityChecks = 3,
    /// The cgroup table was full: a nested cgroup was not watched.
    Cgroups = 4,
    /// The table of denials was full: a denial is missing.
    Denials = 5,
    /// A thread's id was larger than any was when watching began: a denial may be missing.
    InFlight = 6,
    /// The program table was full: calls are filed under the program before.
    Programs = 7,
    /// The session table was full: calls are filed under no session.
    Sessions = 8,
    /// The scope table was full: a container is missing.
    Scopes = 9,
    /// The table of low ports was full: one is missing.
    LowPorts = 10,
    /// A table of noted arguments was full: a call counts as overflowed that need not.
    Arguments = 11,
}

impl Loss {
    pub const COUNT: u32 = 12;
}

/// A type's bytes are all its fields', so the verifier sees no uninitialised stack and map keys
/// compare right.
macro_rules! without_padding {
    ($($type:ty = $bytes:expr;)*) => {
        $(const _: () = assert!(core::mem::size_of::<$type>() == $bytes);)*
    };
}

without_padding! {
    Scope = 40 + 8 + PATH_LEN;
    Program = 16 + EXE_LEN + 8 + 3 * NUMBERS + 8 * KNOWN;
    ProgramKey = 16 + EXE_LEN;
    Session = 8 + ARGV_LEN;
    FirstSeen = 8 + 48 + 16 + 8 + 16;
    Process = 16;
    StrayCall = 12;
    LowPort = 8;
    NotedCall = NOTED_ARGUMENTS * (8 + 4 * ONLY_WHERE);
    NotedKey = 12;
    NotedSeen = 16;
    Combination = 12 + 4 * NOTED_ARGUMENTS;
    Check = 24;
    CheckInFlight = 32;
    CapabilityKey = 8 * STACK_LEN + 8 + 8;
    CapabilitySeen = 24 + 16;
    DenialKey = 16 + 16;
    DenialSeen = 24;
}

#[cfg(feature = "user")]
mod pod {
    use super::{
        CapabilityKey, CapabilitySeen, CheckInFlight, Combination, DenialKey, DenialSeen,
        KernelLayout, LowPort, NotedCall, NotedKey, NotedSeen, Process, Program, ProgramKey, Scope,
        Session, StrayCall,
    };

    macro_rules! pod {
        ($($type:ty),*) => {
            // SAFETY: repr(C), Copy, without padding (checked above), valid for every bit pattern.
            $(unsafe impl aya::Pod for $type {})*
        };
    }

    pod!(
        CapabilityKey,
        CapabilitySeen,
        CheckInFlight,
        Combination,
        DenialKey,
        DenialSeen,
        KernelLayout,
        LowPort,
        NotedCall,
        NotedKey,
        NotedSeen,
        Process,
        Program,
        ProgramKey,
        Scope,
        Session,
        StrayCall
    );
}
