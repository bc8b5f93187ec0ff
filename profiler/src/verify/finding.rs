//! What keeps a subject from passing, in words.

use std::collections::BTreeSet;
use std::fmt;

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::{Answer, Lost};
use crate::recording::{Phase, Text};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The filter refused a call, whatever came of it: a test that passes without a call says
    /// nothing about what the call was for.
    Denied {
        syscall: String,
        architecture: String,
        answer: Answer,
        count: u64,
        by: Vec<Asker>,
    },
    CapabilityDenied {
        capability: String,
        count: u64,
        /// Sorted.
        syscalls: Vec<String>,
        by: Vec<Asker>,
    },
    Starts {
        /// Those that failed so, from 1, ascending.
        which: Vec<usize>,
        of: usize,
        problem: StartProblem,
    },
    /// The test's, or the command's.
    ExitCode(i32),
    Lost(Lost),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asker {
    pub phase: Phase,
    pub comm: Text,
    pub exe: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StartProblem {
    /// The runtime's init died behind the filter, before the program began.
    RuntimeDied {
        message: Text,
        cause: RuntimeCause,
    },
    Refused(Text),
    Ended {
        exit_code: i32,
        /// Died as programs do whose rt_sigreturn is refused, and the profile does not allow it.
        lacks_rt_sigreturn: bool,
    },
    Unhealthy(Text),
}

/// What the runtime's init most likely missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuntimeCause {
    /// The profile does not allow it, and Go needs it whenever a signal interrupts runc's init.
    RtSigreturn,
    /// The profile allows that.
    Other,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied {
                syscall,
                architecture,
                answer,
                count,
                by,
            } => write!(
                f,
                "denied: {syscall} ({}) with {answer}, {}, by {}; allow it or record again with what asked for it",
                short_architecture(architecture),
                Times(*count),
                Askers(by)
            ),
            Self::CapabilityDenied {
                capability,
                count,
                syscalls,
                by,
            } => {
                write!(f, "capability denied: {capability}")?;
                if !syscalls.is_empty() {
                    write!(f, " in {}", syscalls.join(", "))?;
                }
                write!(
                    f,
                    ", {}, by {}; add it or record again with what asked for it",
                    Times(*count),
                    Askers(by)
                )
            }
            Self::Starts { which, of, problem } => {
                write!(f, "{} of {of} failed: {problem}", Ordinals(which))
            }
            Self::ExitCode(code) => write!(f, "failed with {}", Exit(*code)),
            Self::Lost(lost) => write!(
                f,
                "not everything was seen ({} denials, {} processes, {} calls in flight, {} capability checks, {} cgroups lost): this verdict is not to be trusted; verify with less at once",
                lost.denials, lost.processes, lost.in_flight, lost.capability_checks, lost.cgroups
            ),
        }
    }
}

impl fmt::Display for StartProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RuntimeDied { message, cause } => write!(f, "{message}: {cause}"),
            Self::Refused(message) => write!(f, "{message}"),
            Self::Ended {
                exit_code,
                lacks_rt_sigreturn,
            } => {
                write!(f, "it ended with {} before it was ready", Exit(*exit_code))?;
                if *lacks_rt_sigreturn {
                    f.write_str(
                        ": most likely rt_sigreturn was refused, without which a program dies that returns from a signal handler, and the Go runtime in runc's init now and then: allow it",
                    )?;
                }
                Ok(())
            }
            Self::Unhealthy(log) => write!(f, "its health check says {log}"),
        }
    }
}

impl fmt::Display for RuntimeCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the filter denied a call of the container runtime's own start, behind it; ")?;
        f.write_str(match self {
            Self::RtSigreturn => {
                "most likely rt_sigreturn, which the Go runtime in runc's init makes in one start out of ten: allow it"
            }
            Self::Other => "allow what is denied to the runtime, or record again to see it",
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Signal => f.write_str("SIGSYS"),
            Self::Errno(number) => match Errno::from_raw(number) {
                Errno::UnknownErrno => write!(f, "errno {number}"),
                // Its Display adds the meaning.
                known => write!(f, "{known:?}"),
            },
        }
    }
}

/// `x86_64`, `i386`, `x32`; others as they are.
fn short_architecture(name: &str) -> &str {
    match name {
        "SCMP_ARCH_X86" => "i386",
        "SCMP_ARCH_X86_64" => "x86_64",
        "SCMP_ARCH_X32" => "x32",
        other => other,
    }
}

/// `start 3`; `starts 1, 2, 3`; every number up to as many as one can read, the others counted.
struct Ordinals<'a>(&'a [usize]);

impl fmt::Display for Ordinals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        let (shown, others) = self.0.split_at(self.0.len().min(SHOWN));
        let shown: Vec<_> = shown.iter().map(ToString::to_string).collect();
        write!(f, "start{} ", if self.0.len() == 1 { "" } else { "s" })?;
        f.write_str(&shown.join(", "))?;
        match others.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

struct Times(u64);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("once"),
            2 => f.write_str("twice"),
            more => write!(f, "{more} times"),
        }
    }
}

struct Askers<'a>(&'a [Asker]);

impl fmt::Display for Askers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: BTreeSet<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&shown.into_iter().collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.comm)?;
        match (&self.exe, self.phase) {
            (_, Phase::Runtime) => f.write_str(" (before the program began)"),
            (Some(exe), _) => write!(f, " ({exe})"),
            (None, _) => Ok(()),
        }
    }
}

struct Exit(i32);

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}", self.0)?;
        match Signal::try_from(self.0 - 128) {
            Ok(Signal::SIGSYS) => f.write_str(" (SIGSYS: the filter killed it)"),
            Ok(signal) => write!(f, " ({signal})"),
            Err(_) => Ok(()),
        }
    }
}
