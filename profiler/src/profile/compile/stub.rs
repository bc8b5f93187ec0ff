//! What runc puts before a filter that denies by default: a call whose number lies above the
//! highest one named is answered ENOSYS.
//!
//! A program that probes for a call newer than its profile then falls back, where EPERM would end
//! it (<https://github.com/opencontainers/runc/blob/v1.1.5/libcontainer/seccomp/patchbpf/enosys_linux.go>).
//! Reproduced because which calls get ENOSYS depends on the names in the profile: clone3 (435)
//! unnamed gets ENOSYS, until faccessat2 (439) is named.

use libc::sock_filter;
use profiler_common::X32_BIT;

use crate::profile::Answer;
use crate::profile::interpret::{
    AUDIT_ARCH_X86_64, JUMP, JUMP_IF_EQUAL, JUMP_IF_GREATER, JUMP_IF_SET, LOAD, RETURN,
};

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// The highest number that a profile names, of one architecture as the kernel tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Highest {
    pub(super) audit_architecture: u32,
    /// `None`: leave these calls to the filter.
    pub(super) own: Option<u32>,
    /// Of x32, with its bit.
    pub(super) x32: Option<u32>,
}

/// Instructions to put before a filter; they fall through into it.
pub(super) fn program(highest: &[Highest]) -> Vec<sock_filter> {
    let sections: Vec<_> = highest.iter().map(|&h| section(h)).collect();
    if sections.is_empty() {
        return Vec::new();
    }
    let mut after: usize = sections.iter().map(Vec::len).sum();
    let mut program = vec![step(LOAD, ARCHITECTURE)];
    for mut section in sections {
        after -= section.len();
        let last = section.last_mut().expect("a section ends with a jump");
        last.k = u32::try_from(after).expect("a few instructions an architecture");
        program.extend(section);
    }
    program
}

/// Ends with a jump into the filter, whose distance the caller fills in.
fn section(highest: Highest) -> Vec<sock_filter> {
    // Nothing is greater: such a limit never answers.
    let own = highest.own.unwrap_or(u32::MAX);
    let mut body = vec![step(LOAD, NUMBER)];
    if highest.audit_architecture == AUDIT_ARCH_X86_64 {
        let x32 = highest.x32.unwrap_or(u32::MAX);
        body.push(branch(JUMP_IF_SET, X32_BIT, 1, 0));
        body.push(branch(JUMP_IF_GREATER, own, 1, 2));
        body.push(branch(JUMP_IF_GREATER, x32, 0, 1));
    } else {
        body.push(branch(JUMP_IF_GREATER, own, 0, 1));
    }
    body.push(step(RETURN, Answer::ENOSYS.value()));
    body.push(step(JUMP, 0));
    let length = u8::try_from(body.len()).expect("six instructions at most");
    body.insert(
        0,
        branch(JUMP_IF_EQUAL, highest.audit_architecture, 0, length),
    );
    body
}

fn step(code: u16, k: u32) -> sock_filter {
    branch(code, k, 0, 0)
}

fn branch(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}
