//! A command in a cgroup, under a filter: what `record -- CMD` and `verify PROFILE -- CMD` run.
//!
//! Its standard streams, environment, working directory, signal mask and exit code are its own;
//! signals sent to us reach it; what it leaves behind in the cgroup is ended by a said rule.
//! Making and removing the cgroup, watching it and compiling the filter are others' business.

mod child;
mod failure;
mod leftovers;
mod plan;
mod resolve;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use self::child::{Child, End};
use self::failure::Step;
pub use self::leftovers::{Leftovers, LeftoversEnd, LeftoversReport};
use self::plan::Plan;
use super::Interrupts;
use crate::recording::Text;

pub struct CommandSpec<'a> {
    /// Found by PATH as a shell finds it; not empty.
    pub argv: &'a [OsString],
    /// The last step before exec, so that exec is the first call it judges.
    pub filter: &'a [libc::sock_filter],
    /// A directory of the cgroup v2 tree, empty of processes.
    pub cgroup: &'a Path,
    /// Set it even where the filter can be installed without.
    pub no_new_privileges: bool,
    pub leftovers: Leftovers,
}

impl CommandSpec<'_> {
    fn name(&self) -> &OsStr {
        self.argv.first().map_or("".as_ref(), OsString::as_os_str)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOutcome {
    /// The command's own; 128 + N where signal N ended it.
    pub exit_code: i32,
    /// Whether it ran with no_new_privs: asked for, inherited, or needed to install a filter
    /// without CAP_SYS_ADMIN.
    pub no_new_privileges: bool,
    /// `None`: it left nothing behind.
    pub leftovers: Option<LeftoversReport>,
}

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("command not found: {0}")]
    NotFound(Text),
    #[error("cannot execute {name}: {source}{}", hint(source))]
    NotExecutable { name: Text, source: io::Error },
    #[error(
        "the filter refused to start {name}: execve was {how}; a profile for a command has to allow execve"
    )]
    Refused { name: Text, how: Refusal },
    #[error("cannot put {name} into the cgroup {cgroup}: {source}")]
    Cgroup {
        name: Text,
        cgroup: PathBuf,
        source: io::Error,
    },
    #[error("cannot set no_new_privs for {name}: {source}")]
    NoNewPrivileges { name: Text, source: io::Error },
    #[error("cannot install the filter for {name}: {source}")]
    Filter { name: Text, source: io::Error },
    #[error("{name} was ended by signal {signal} before it began")]
    Ended { name: Text, signal: i32 },
    #[error("cannot {doing}: {source}")]
    System {
        doing: &'static str,
        source: io::Error,
    },
}

/// What the filter made of execve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Errno(i32),
    /// SIGSYS: the filter kills or traps.
    Killed,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Errno(errno) => write!(f, "answered {}", nix::errno::Errno::from_raw(*errno)),
            Self::Killed => f.write_str("answered with SIGSYS"),
        }
    }
}

impl CommandError {
    /// As a shell and `docker run` have it: 127 not found, 126 cannot be executed, 125 ours.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound(_) => 127,
            Self::NotExecutable { .. } | Self::Refused { .. } => 126,
            _ => 125,
        }
    }
}

fn hint(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(libc::ENOENT) => "; the interpreter that its first line or header names is missing",
        Some(libc::ENOEXEC) => "; a script needs a first line like #!/bin/sh",
        Some(libc::EACCES) => "; is it executable (chmod +x), and its file system not noexec?",
        _ => "",
    }
}

/// Runs the command to its end and clears what it left in the cgroup.
///
/// Interruptions are handed on to the command. Dropped midway, it kills the command; what that
/// left in the cgroup is then the caller's.
pub async fn run(
    spec: CommandSpec<'_>,
    interrupts: &Interrupts,
) -> Result<CommandOutcome, CommandError> {
    let plan = Plan::new(&spec)?;
    let system = |doing| move |source| CommandError::System { doing, source };
    let mut interrupts = interrupts.clone();
    let mut child = Child::start(&plan).map_err(system("start a process"))?;
    let end = loop {
        tokio::select! {
            end = child.wait() => break end.map_err(system("wait for the command"))?,
            interrupt = interrupts.next() => {
                // A terminal has told the command itself.
                if !interrupt.from_terminal {
                    child.signal(interrupt.signal);
                }
            }
        }
    };
    let exit_code = exit_code(&spec, &plan, end)?;
    let leftovers = leftovers::clear(spec.cgroup, spec.leftovers, &mut interrupts)
        .await
        .map_err(system("end what the command left in its cgroup"))?;
    Ok(CommandOutcome {
        exit_code,
        no_new_privileges: plan.no_new_privileges,
        leftovers,
    })
}

fn exit_code(spec: &CommandSpec<'_>, plan: &Plan<'_>, end: End) -> Result<i32, CommandError> {
    let name = || Text::from(spec.name());
    let os = io::Error::from_raw_os_error;
    Err(match end {
        End::Exited(code) => return Ok(code),
        End::Signalled(signal) => return Ok(128 + signal),
        End::Failed(Step::Join, errno) => CommandError::Cgroup {
            name: name(),
            cgroup: spec.cgroup.to_owned(),
            source: os(errno),
        },
        End::Failed(Step::NoNewPrivileges, errno) => CommandError::NoNewPrivileges {
            name: name(),
            source: os(errno),
        },
        End::Failed(Step::Filter, errno) => CommandError::Filter {
            name: name(),
            source: os(errno),
        },
        // The file was there and executable a moment ago, and execve(2) itself knows EPERM only
        // for traced and capability-dumb programs, and ENOSYS not at all.
        End::Failed(Step::Exec, errno @ (libc::EPERM | libc::ENOSYS)) => CommandError::Refused {
            name: name(),
            how: Refusal::Errno(errno),
        },
        End::Failed(Step::Exec, errno) => CommandError::NotExecutable {
            name: Text::from(plan.path().as_os_str()),
            source: os(errno),
        },
        End::DiedBeforeExec(libc::SIGSYS) => CommandError::Refused {
            name: name(),
            how: Refusal::Killed,
        },
        End::DiedBeforeExec(signal) => CommandError::Ended {
            name: name(),
            signal,
        },
    })
}
