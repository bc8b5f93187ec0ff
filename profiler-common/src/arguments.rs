//! Arguments of calls: which are noted, and what was.

use crate::NUMBERS;

/// Calls whose arguments are noted, at most; the first place is no call's.
pub const NOTED_CALLS: u32 = 256;
/// Arguments that are noted of one call, at most.
pub const NOTED_ARGUMENTS: usize = 3;
/// Values of another argument that let one count, at most.
pub const ONLY_WHERE: usize = 16;
/// Combinations that are kept of one program's call, at most; as many more as processors race.
pub const COMBINATIONS: u64 = 64;
/// Places in [`crate::Program::known`].
pub const KNOWN: usize = 64;
/// Numbers of one ABI that can be noted; an index of them has its ABI's part first.
pub const NOTED_NUMBERS: u32 = 1024;
const _: () = assert!(NOTED_NUMBERS as usize == NUMBERS);

/// What to note of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct NotedCall {
    pub arguments: [NotedArgument; NOTED_ARGUMENTS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct NotedArgument {
    /// The bits that are noted; 0: no argument.
    pub mask: u32,
    /// 0 to 5.
    pub index: u8,
    /// Place in [`NotedCall::arguments`] of the one that lets this one count, or [`ALWAYS`].
    pub other: u8,
    pub reserved: [u8; 2],
    /// Of the other, all filled: the last may stand there several times.
    pub values: [u32; ONLY_WHERE],
}

/// The argument counts whatever the others are.
pub const ALWAYS: u8 = u8::MAX;

impl NotedArgument {
    pub const NONE: Self = Self {
        mask: 0,
        index: 0,
        other: ALWAYS,
        reserved: [0; 2],
        values: [0; ONLY_WHERE],
    };
}

/// A program's call whose arguments are noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct NotedKey {
    pub program: u32,
    /// Without the x32 bit.
    pub number: i32,
    pub abi: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct NotedSeen {
    /// Combinations that are kept.
    pub count: u64,
    /// 1: there were more.
    pub overflowed: u64,
}

/// What a program's call was made with: noted arguments, masked; 0 where one does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Combination {
    pub call: NotedKey,
    pub values: [u32; NOTED_ARGUMENTS],
}
