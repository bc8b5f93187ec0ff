//! Runs a seccomp program as the kernel would: an oracle for what a filter answers, without loading
//! it.
//!
//! Knows the instructions that libseccomp and runc write, and refuses all others rather than guess
//! (<https://github.com/torvalds/linux/blob/v6.18/kernel/seccomp.c#L279>). No well-kept crate runs
//! classic BPF: those there are run eBPF or only assemble.

use libc::sock_filter;
use profiler_common::{Abi, X32_BIT};

/// `seccomp_data.arch` of x86_64 and x32 calls
/// (<https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/audit.h>).
pub const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
/// Of i386 calls.
pub const AUDIT_ARCH_I386: u32 = 0x4000_0003;

/// What a filter sees of a call: `struct seccomp_data`, without the instruction pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeccompData {
    /// With its bit for x32.
    pub number: u32,
    pub architecture: u32,
    pub arguments: [u64; 6],
}

impl SeccompData {
    /// `number` as the ABI's table has it, without x32's bit.
    pub fn new(abi: Abi, number: u32, arguments: [u64; 6]) -> Self {
        let (architecture, number) = match abi {
            Abi::X86_64 => (AUDIT_ARCH_X86_64, number),
            Abi::I386 => (AUDIT_ARCH_I386, number),
            Abi::X32 => (AUDIT_ARCH_X86_64, number | X32_BIT),
        };
        Self {
            number,
            architecture,
            arguments,
        }
    }

    /// The 32 bits at `offset`, on a little-endian machine.
    fn word(&self, offset: u32) -> Option<u32> {
        const ARGUMENTS: u32 = 16;
        match offset {
            0 => Some(self.number),
            ARCHITECTURE => Some(self.architecture),
            8 | 12 => Some(0),
            _ => {
                let at = offset.checked_sub(ARGUMENTS)?;
                let argument = self.arguments.get(usize::try_from(at / 8).ok()?)?;
                match at % 8 {
                    0 => Some(low(*argument)),
                    4 => Some(high(*argument)),
                    _ => None,
                }
            }
        }
    }
}

/// Where a program finds it; the number lies before it, all else after it.
const ARCHITECTURE: u32 = 4;

pub(super) fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).expect("the mask has 32 bits")
}

pub(super) fn high(value: u64) -> u32 {
    low(value >> 32)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(
        "instruction {at} has the operation {code:#x}, which neither libseccomp nor runc write"
    )]
    Operation { at: usize, code: u16 },
    #[error("instruction {at} loads from offset {offset}, where struct seccomp_data has no word")]
    Offset { at: usize, offset: u32 },
    #[error("the program runs past its end")]
    End,
}

/// The value that the program returns: action and errno in one.
pub fn interpret(program: &[sock_filter], data: &SeccompData) -> Result<u32, Fault> {
    walk(program, data).map(|walk| walk.answer)
}

/// How a program comes to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    pub answer: u32,
    pub instructions: usize,
    /// Than at number and architecture. What is allowed by those alone the kernel remembers, and runs no
    /// program for it again (`seccomp_is_const_allow`,
    /// <https://github.com/torvalds/linux/blob/v6.18/kernel/seccomp.c>).
    pub looks_further: bool,
}

pub fn walk(program: &[sock_filter], data: &SeccompData) -> Result<Walk, Fault> {
    let mut accumulator = 0;
    let mut at = 0;
    let mut instructions = 0;
    let mut looks_further = false;
    loop {
        let &sock_filter { code, jt, jf, k } = program.get(at).ok_or(Fault::End)?;
        instructions += 1;
        let jump = |condition: bool| usize::from(if condition { jt } else { jf });
        let skip = match code {
            LOAD => {
                accumulator = data.word(k).ok_or(Fault::Offset { at, offset: k })?;
                looks_further |= k > ARCHITECTURE;
                0
            }
            AND => {
                accumulator &= k;
                0
            }
            JUMP => usize::try_from(k).map_err(|_| Fault::End)?,
            JUMP_IF_EQUAL => jump(accumulator == k),
            JUMP_IF_GREATER => jump(accumulator > k),
            JUMP_IF_GREATER_OR_EQUAL => jump(accumulator >= k),
            JUMP_IF_SET => jump(accumulator & k != 0),
            RETURN => {
                return Ok(Walk {
                    answer: k,
                    instructions,
                    looks_further,
                });
            }
            _ => return Err(Fault::Operation { at, code }),
        };
        at += 1 + skip;
    }
}

/// `BPF_LD | BPF_W | BPF_ABS` and so on
/// (<https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/bpf_common.h>).
pub(super) const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
pub(super) const JUMP: u16 = 0x05;
pub(super) const JUMP_IF_EQUAL: u16 = 0x15;
pub(super) const JUMP_IF_GREATER: u16 = 0x25;
const JUMP_IF_GREATER_OR_EQUAL: u16 = 0x35;
pub(super) const JUMP_IF_SET: u16 = 0x45;
pub(super) const RETURN: u16 = 0x06;

#[cfg(test)]
mod tests {
    use profiler_common::Abi;

    use super::{
        AND, Fault, JUMP, JUMP_IF_GREATER_OR_EQUAL, JUMP_IF_SET, LOAD, RETURN, SeccompData, Walk,
        interpret, walk,
    };

    fn program(instructions: &[(u16, u8, u8, u32)]) -> Vec<libc::sock_filter> {
        let instruction = |&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k };
        instructions.iter().map(instruction).collect()
    }

    fn returned(instructions: &[(u16, u8, u8, u32)]) -> Result<u32, Fault> {
        let arguments = [0x1122_3344_5566_7788, 0, 0, 0, 0, 9];
        interpret(
            &program(instructions),
            &SeccompData::new(Abi::X32, 3, arguments),
        )
    }

    #[test]
    fn words_lie_where_the_kernel_has_them() {
        let at_least = |offset, value| {
            returned(&[
                (LOAD, 0, 0, offset),
                (JUMP_IF_GREATER_OR_EQUAL, 0, 1, value),
                (RETURN, 0, 0, 1),
                (RETURN, 0, 0, 0),
            ])
        };
        for (offset, value) in [
            (0, 0x4000_0003),
            (4, 0xc000_003e),
            (8, 0),
            (16, 0x5566_7788),
            (20, 0x1122_3344),
            (56, 9),
            (60, 0),
        ] {
            assert_eq!(at_least(offset, value), Ok(1), "{offset}");
            assert_eq!(at_least(offset, value + 1), Ok(0), "{offset}");
        }
        for offset in [2, 64] {
            assert_eq!(at_least(offset, 0), Err(Fault::Offset { at: 0, offset }));
        }
    }

    #[test]
    fn jumps_count_from_the_next_instruction() {
        let found = returned(&[
            (LOAD, 0, 0, 16),
            (AND, 0, 0, 0x0000_0f00),
            (JUMP_IF_SET, 1, 0, 0x0000_0700),
            (RETURN, 0, 0, 1),
            (JUMP, 0, 0, 1),
            (RETURN, 0, 0, 2),
            (RETURN, 0, 0, 3),
        ]);
        assert_eq!(found, Ok(3));
    }

    #[test]
    fn what_a_walk_takes_is_counted() {
        let walked = |offset| {
            let program = program(&[
                (LOAD, 0, 0, offset),
                (JUMP_IF_SET, 0, 1, u32::MAX),
                (JUMP, 0, 0, 1),
                (RETURN, 0, 0, 1),
                (RETURN, 0, 0, 2),
            ]);
            walk(&program, &SeccompData::new(Abi::X86_64, 3, [5; 6])).unwrap()
        };
        let all = |looks_further| Walk {
            answer: 2,
            instructions: 4,
            looks_further,
        };
        assert_eq!(walked(0), all(false));
        assert_eq!(walked(4), all(false));
        assert_eq!(walked(16), all(true));
        // The instruction pointer, which is taken for 0.
        assert_eq!(walked(8).instructions, 3);
        assert!(walked(8).looks_further);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        const ADD: u16 = 0x04;
        assert_eq!(
            returned(&[(ADD, 0, 0, 1), (RETURN, 0, 0, 0)]),
            Err(Fault::Operation { at: 0, code: ADD })
        );
        assert_eq!(returned(&[(JUMP, 0, 0, 7)]), Err(Fault::End));
        assert_eq!(returned(&[]), Err(Fault::End));
    }
}
