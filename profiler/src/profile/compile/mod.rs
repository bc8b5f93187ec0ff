//! A [`Profile`] as a program for the kernel, for commands that run without an engine.
//!
//! The system's libseccomp does it, because runc compiles profiles with the same library: what
//! passes here means what passes there. It knows every architecture (the crate seccompiler has no
//! i386), and opened at run time it keeps `cargo build` free of C libraries.
//!
//! This module does what runc 1.1.5 does with a profile
//! (<https://github.com/opencontainers/runc/blob/v1.1.5/libcontainer/seccomp/seccomp_linux.go>),
//! its oddities included: the native architecture always belongs to the filter, a rule that
//! repeats the default is skipped, unknown names are skipped, two conditions on one argument mean
//! either of them, a call of an architecture that is not listed kills the thread, and calls above
//! the highest one named get ENOSYS. Nothing is loaded here.

mod library;
mod stub;

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use self::library::{Condition, Filter, Libseccomp, SONAME};
use self::stub::Highest;
use super::interpret::AUDIT_ARCH_X86_64;
use super::{Action, Answer, Comparison, Operator, Profile, Rule, Runtime};

/// The kernel's limit on a filter's instructions (BPF_MAXINSNS,
/// <https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/bpf_common.h#L54>).
const MAX_INSTRUCTIONS: usize = 4096;

/// Arguments of a system call.
const ARGUMENTS: u32 = 6;

/// libseccomp's token for x32: AUDIT_ARCH_X86_64 without the 64-bit mark.
const SCMP_ARCH_X32: u32 = 0x4000_003e;

/// A thousand times what the largest profile takes.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Compiled {
    pub program: Vec<libc::sock_filter>,
    /// Names that this libseccomp does not know: no rule was made for them, as runc makes none.
    pub unknown: Vec<String>,
    /// `2.5.4`
    pub library_version: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("cannot open {SONAME}: {0}; install it (Debian: apt-get install libseccomp2)")]
    Library(#[source] libloading::Error),
    #[error(
        "this libseccomp or kernel does not know the profile's default action {0:?}; update them"
    )]
    DefaultAction(Action),
    #[error("the profile names an unknown architecture {name:?}; libseccomp {version} knows none")]
    UnknownArchitecture { name: String, version: String },
    #[error("architecture {name} cannot be in one filter with the machine's own: {source}")]
    Architecture { name: String, source: io::Error },
    #[error("the profile has a rule with an empty name; take it out")]
    EmptyName,
    #[error("the rule for {name} compares argument {index}; a call has arguments 0 to 5")]
    ArgumentIndex { name: String, index: u32 },
    #[error("libseccomp refuses the rule for {name}: {source}")]
    Rule { name: String, source: io::Error },
    #[error(
        "libseccomp does not come to an end with the profile: two rules of a call compare the same argument, not only for equality; name the values, or compare one argument a rule (`profiler lint` names the call)"
    )]
    Endless,
    #[error("libseccomp cannot write the program: {0}")]
    Export(#[source] io::Error),
    #[error(
        "the program has {0} instructions and the kernel takes {MAX_INSTRUCTIONS}; name fewer argument values"
    )]
    TooLong(usize),
}

/// As runc 1.1 makes it.
pub fn compile(profile: &Profile) -> Result<Compiled, CompileError> {
    compile_for(Runtime::Runc1_1, profile)
}

pub fn compile_for(runtime: Runtime, profile: &Profile) -> Result<Compiled, CompileError> {
    within(PATIENCE, runtime, profile)
}

/// On a thread of its own, which goes with the process where libseccomp never returns.
fn within(
    patience: Duration,
    runtime: Runtime,
    profile: &Profile,
) -> Result<Compiled, CompileError> {
    let (sender, receiver) = mpsc::channel();
    let profile = profile.clone();
    thread::spawn(move || sender.send(compiled(runtime, &profile)));
    match receiver.recv_timeout(patience) {
        Ok(compiled) => compiled,
        Err(RecvTimeoutError::Timeout) => Err(CompileError::Endless),
        Err(RecvTimeoutError::Disconnected) => panic!("the thread has told why"),
    }
}

fn compiled(runtime: Runtime, profile: &Profile) -> Result<Compiled, CompileError> {
    let library = Libseccomp::open().map_err(CompileError::Library)?;
    let default = Answer::new(profile.default_action, profile.default_errno_ret);
    let mut filter = library
        .filter(default.value())
        .ok_or(CompileError::DefaultAction(profile.default_action))?;
    for name in &profile.architectures {
        filter
            .add_architecture(token(&library, name)?)
            .map_err(|source| CompileError::Architecture {
                name: name.clone(),
                source,
            })?;
    }
    filter
        .clear_no_new_privileges()
        .map_err(CompileError::Export)?;

    let mut unknown = Vec::new();
    for rule in &profile.syscalls {
        let answer = Answer::from(rule);
        for name in &rule.names {
            if name.is_empty() {
                return Err(CompileError::EmptyName);
            }
            if answer == default {
                continue;
            }
            match library.syscall(name) {
                Some(number) => add(&mut filter, answer.value(), number, name, rule)?,
                None => unknown.push(name.clone()),
            }
        }
    }

    let mut program = stub::program(&highest(&library, profile, runtime)?);
    program.extend(filter.export().map_err(CompileError::Export)?);
    if program.len() > MAX_INSTRUCTIONS {
        return Err(CompileError::TooLong(program.len()));
    }
    Ok(Compiled {
        program,
        unknown,
        library_version: library.version(),
    })
}

/// The library spells the OCI names' last part in lower case.
fn token(library: &Libseccomp, name: &str) -> Result<u32, CompileError> {
    name.strip_prefix("SCMP_ARCH_")
        .and_then(|own| library.architecture(&own.to_ascii_lowercase()))
        .ok_or_else(|| CompileError::UnknownArchitecture {
            name: name.to_owned(),
            version: library.version(),
        })
}

fn add(
    filter: &mut Filter<'_>,
    action: u32,
    number: libc::c_int,
    name: &str,
    rule: &Rule,
) -> Result<(), CompileError> {
    let error = |source| CompileError::Rule {
        name: name.to_owned(),
        source,
    };
    let conditions: Vec<Condition> = rule
        .args
        .iter()
        .map(|comparison| condition(name, comparison))
        .collect::<Result<_, _>>()?;
    let repeated =
        (0..ARGUMENTS).any(|index| rule.args.iter().filter(|c| c.index == index).count() > 1);
    if repeated {
        return conditions
            .iter()
            .try_for_each(|one| filter.add_rule(action, number, &[*one]))
            .map_err(error);
    }
    filter.add_rule(action, number, &conditions).map_err(error)
}

fn condition(name: &str, comparison: &Comparison) -> Result<Condition, CompileError> {
    if comparison.index >= ARGUMENTS {
        return Err(CompileError::ArgumentIndex {
            name: name.to_owned(),
            index: comparison.index,
        });
    }
    Ok(Condition {
        argument: comparison.index,
        operator: match comparison.op {
            Operator::NotEqual => 1,
            Operator::Less => 2,
            Operator::LessOrEqual => 3,
            Operator::Equal => 4,
            Operator::GreaterOrEqual => 5,
            Operator::Greater => 6,
            Operator::MaskedEqual => 7,
        },
        first: comparison.value,
        second: comparison.value_two,
    })
}

/// By the architectures that `runtime` looks at.
fn highest(
    library: &Libseccomp,
    profile: &Profile,
    runtime: Runtime,
) -> Result<Vec<Highest>, CompileError> {
    let mut all: Vec<Highest> = Vec::new();
    for architecture in runtime.stubbed(profile) {
        let token = token(library, architecture)?;
        let number = profile
            .syscalls
            .iter()
            .flat_map(|rule| &rule.names)
            .filter_map(|name| library.syscall_of(token, name))
            .filter(|&number| number > 0)
            .max();
        let x32 = token == SCMP_ARCH_X32;
        let audit_architecture = if x32 { AUDIT_ARCH_X86_64 } else { token };
        let at = all
            .iter()
            .position(|h| h.audit_architecture == audit_architecture)
            .unwrap_or_else(|| {
                all.push(Highest {
                    audit_architecture,
                    own: None,
                    x32: None,
                });
                all.len() - 1
            });
        if x32 {
            all[at].x32 = number;
        } else {
            all[at].own = number;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod endless;
#[cfg(test)]
mod tests;
