//! Where libseccomp puts a rule: under which number of an architecture, and with what beside its
//! comparisons.
//!
//! i386 has a second way to sockets and System V IPC, one call each that takes the operation as its
//! first argument: such a rule is made for both
//! (<https://github.com/seccomp/libseccomp/blob/v2.5.4/src/syscalls.c>).

use profiler_common::{Abi, X32_BIT};

use crate::names;
use crate::profile::{Comparison, Operator};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place<'a> {
    /// With its bit for x32.
    Number(u32),
    /// Of a call that the architecture lacks: nobody makes it, but libseccomp refuses
    /// contradictions there too.
    Nowhere(&'a str),
}

/// i386's multiplexed calls with their operations
/// (<https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/net.h#L25>,
/// <https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/ipc.h#L42>).
const MULTIPLEXED: [(&str, &str, u64); 32] = [
    ("socket", "socketcall", 1),
    ("bind", "socketcall", 2),
    ("connect", "socketcall", 3),
    ("listen", "socketcall", 4),
    ("accept", "socketcall", 5),
    ("getsockname", "socketcall", 6),
    ("getpeername", "socketcall", 7),
    ("socketpair", "socketcall", 8),
    ("send", "socketcall", 9),
    ("recv", "socketcall", 10),
    ("sendto", "socketcall", 11),
    ("recvfrom", "socketcall", 12),
    ("shutdown", "socketcall", 13),
    ("setsockopt", "socketcall", 14),
    ("getsockopt", "socketcall", 15),
    ("sendmsg", "socketcall", 16),
    ("recvmsg", "socketcall", 17),
    ("accept4", "socketcall", 18),
    ("recvmmsg", "socketcall", 19),
    ("sendmmsg", "socketcall", 20),
    ("semop", "ipc", 1),
    ("semget", "ipc", 2),
    ("semctl", "ipc", 3),
    ("semtimedop", "ipc", 4),
    ("msgsnd", "ipc", 11),
    ("msgrcv", "ipc", 12),
    ("msgget", "ipc", 13),
    ("msgctl", "ipc", 14),
    ("shmat", "ipc", 21),
    ("shmdt", "ipc", 22),
    ("shmget", "ipc", 23),
    ("shmctl", "ipc", 24),
];

/// Each with what is compared in the first argument's place, whatever the rule says of that.
pub(super) fn of(abi: Abi, name: &str) -> Vec<(Place<'_>, Option<Comparison>)> {
    let number = number(abi, name);
    let own = (number.map_or(Place::Nowhere(name), Place::Number), None);
    match multiplexed(name).filter(|_| abi == Abi::I386) {
        Some((through, operation)) => {
            let number = self::number(abi, through).expect("i386 has socketcall and ipc");
            vec![(Place::Number(number), Some(is(operation))), own]
        }
        // libseccomp drops rules for what i386 lacks.
        None if abi == Abi::I386 && number.is_none() => Vec::new(),
        None => vec![own],
    }
}

fn is(operation: u64) -> Comparison {
    Comparison {
        index: 0,
        value: operation,
        value_two: 0,
        op: Operator::Equal,
    }
}

/// The call's number in the search for the highest one: libseccomp has none for a multiplexed call.
pub(super) fn counted(abi: Abi, name: &str) -> Option<u32> {
    let is_multiplexed = abi == Abi::I386 && multiplexed(name).is_some();
    number(abi, name).filter(|&number| number > 0 && !is_multiplexed)
}

fn number(abi: Abi, name: &str) -> Option<u32> {
    let bit = if abi == Abi::X32 { X32_BIT } else { 0 };
    names::number(abi, name).map(|number| number | bit)
}

/// The call that it goes through, and as which operation.
fn multiplexed(name: &str) -> Option<(&'static str, u64)> {
    let (_, through, operation) = MULTIPLEXED.iter().find(|(own, ..)| *own == name)?;
    Some((through, *operation))
}
