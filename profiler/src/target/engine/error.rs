//! What can go wrong with an engine and its containers.

use std::fmt;

use bollard::errors::Error as ApiError;
use nix::sys::signal::Signal;

use super::options::OptionError;
use crate::recording::Text;
use crate::target::cgroup::CgroupError;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(
        "no container engine answers at {host}: {reason}; start it (`systemctl start docker`), or name another by DOCKER_HOST"
    )]
    Unreachable { host: String, reason: Text },
    #[error("no image {reference} here; `docker pull {reference}` first")]
    NoSuchImage { reference: Text },
    #[error("{reference} is not the name of an image; write NAME[:TAG], NAME@DIGEST or an id")]
    NotAnImage { reference: Text },
    #[error("the image {image} names no command; give one after the options: `-- PROGRAM ARGS`")]
    NoCommand { image: Text },
    #[error(transparent)]
    Option(#[from] OptionError),
    #[error(
        "cannot write the seccomp profile for Podman to read: {source}; name another folder by TMPDIR"
    )]
    Handover { source: std::io::Error },
    #[error("the engine makes no container of {image}: {message}")]
    Create { image: Text, message: Text },
    #[error("the container {container} cannot start: {message}{}", failure.mend())]
    Start {
        container: String,
        failure: StartFailure,
        /// The engine's, with the runtime's in it.
        message: Text,
    },
    #[error("the container {container} ended before it was ready, with {exit}; see its log above")]
    EndedEarly { container: String, exit: Exit },
    #[error("the container {container} is unhealthy: {log}")]
    Unhealthy {
        container: String,
        /// Exit code and output of the last check.
        log: Text,
    },
    #[error(
        "the container {container} is still there: {message}; `docker rm -f {container}` removes it"
    )]
    NotRemoved { container: String, message: Text },
    #[error("no container {name} here; {}", alike(nearest))]
    NoSuchContainer {
        name: Text,
        /// Running ones, the most alike first.
        nearest: Vec<Text>,
    },
    #[error("{name} is not the name of a container; write NAME or an id")]
    NotAContainer { name: Text },
    #[error(
        "the container {name} is not running, it is {state}; {}",
        mend_state(state)
    )]
    NotRunning {
        name: Text,
        /// As the engine has it: `exited`, `created`, …
        state: String,
    },
    #[error("the container {name} ended just now; start it again, or record it by its label")]
    Vanished { name: Text },
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error("the engine failed to {action}: {message}")]
    Refused { action: String, message: Text },
}

impl EngineError {
    pub(super) fn refused(action: impl Into<String>, error: &ApiError) -> Self {
        Self::Refused {
            action: action.into(),
            message: describe(error),
        }
    }

    /// As `docker run` exits.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Start { failure, .. } => failure.exit_code(),
            _ => 125,
        }
    }
}

/// Why a container did not start, as far as the message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFailure {
    /// The program is not there.
    NotFound,
    /// The program must not be run, or is no file.
    NotExecutable,
    /// The runtime's init died between create and start: what a filter does that denies the
    /// runtime its own last calls.
    Stopped,
    /// Something listens on a port of the host that is to be published.
    PortInUse,
    Other,
}

impl StartFailure {
    /// Programs as `runStartContainerErr` in
    /// <https://github.com/docker/cli/blob/v28.2.2/cli/command/container/run.go>; a stopped process as
    /// runc and containerd word it
    /// (<https://github.com/containerd/containerd/blob/v1.6.20/pkg/process/init_state.go>); ports as
    /// <https://github.com/moby/moby/blob/v20.10.24/libnetwork/portallocator/portallocator.go> and bind(2) do.
    pub(super) fn of(message: &str) -> Self {
        let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
        if says(&[
            "cannot start a stopped process",
            "cannot start a container that has stopped",
        ]) {
            Self::Stopped
        } else if says(&["port is already allocated", "address already in use"]) {
            Self::PortInUse
        } else if says(&["executable file not found", "no such file or directory"]) {
            Self::NotFound
        } else if says(&["permission denied", "is a directory"]) {
            Self::NotExecutable
        } else {
            Self::Other
        }
    }

    pub fn exit_code(self) -> u8 {
        match self {
            Self::NotFound => 127,
            Self::NotExecutable => 126,
            Self::Stopped | Self::PortInUse | Self::Other => 125,
        }
    }

    fn mend(self) -> &'static str {
        match self {
            Self::NotFound => "; see --entrypoint and the arguments",
            Self::NotExecutable => "; see --entrypoint, --user and the file's mode",
            Self::Stopped => "; its filter denies the container runtime a call that it needs",
            Self::PortInUse => {
                "; publish another port, or end what listens there (`docker ps` and `ss -ltnp` tell)"
            }
            Self::Other => "",
        }
    }
}

fn alike(nearest: &[Text]) -> String {
    if nearest.is_empty() {
        return "`docker ps` lists those that run".to_owned();
    }
    let names: Vec<String> = nearest.iter().map(Text::to_string).collect();
    format!("running and alike: {}", names.join(", "))
}

fn mend_state(state: &str) -> &'static str {
    match state {
        "restarting" => "see `docker logs` for why it does not stay up",
        "removing" | "dead" => "make it anew",
        _ => "`docker start` it first, or record it from its start by its label",
    }
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// 128 + N where signal N ended it.
    pub exit_code: i32,
    pub oom_killed: bool,
    /// The engine's, where it has one.
    pub error: Option<Text>,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}", self.exit_code)?;
        if let Ok(signal) = Signal::try_from(self.exit_code - 128) {
            write!(f, " ({signal})")?;
        }
        if self.oom_killed {
            f.write_str(", out of memory")?;
        }
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// What the engine says, without the client's words around it; or why there is no answer, down
/// to the first cause.
pub(super) fn describe(error: &ApiError) -> Text {
    if let ApiError::DockerResponseServerError { message, .. } = error {
        return message.trim().into();
    }
    if let ApiError::SocketNotFoundError(_) = error {
        return "there is no such socket".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().into()
}

/// The HTTP status, where the engine answered with one.
pub(super) fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{EngineError, Exit, StartFailure};

    /// Messages of Docker 20.10 with runc 1.1.5.
    #[test]
    fn start_failures_are_told_apart() {
        for (message, failure, code) in [
            (
                r#"failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown"#,
                StartFailure::NotFound,
                127,
            ),
            (
                r#"… exec: "/nope": stat /nope: no such file or directory: unknown"#,
                StartFailure::NotFound,
                127,
            ),
            (
                r#"… exec: "/etc/passwd": permission denied: unknown"#,
                StartFailure::NotExecutable,
                126,
            ),
            (
                "cannot start a stopped process: unknown",
                StartFailure::Stopped,
                125,
            ),
            (
                "driver failed programming external connectivity: port is already allocated",
                StartFailure::PortInUse,
                125,
            ),
            (
                "Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
                StartFailure::PortInUse,
                125,
            ),
            ("no space left on device", StartFailure::Other, 125),
        ] {
            assert_eq!(StartFailure::of(message), failure, "{message}");
            assert_eq!(failure.exit_code(), code);
        }
    }

    #[test]
    fn an_exit_is_told_as_what_it_is() {
        let exit = |exit_code, oom_killed, error: Option<&str>| {
            let error = error.map(Into::into);
            Exit {
                exit_code,
                oom_killed,
                error,
            }
            .to_string()
        };
        assert_eq!(exit(1, false, None), "exit code 1");
        assert_eq!(exit(139, false, None), "exit code 139 (SIGSEGV)");
        assert_eq!(
            exit(137, true, None),
            "exit code 137 (SIGKILL), out of memory"
        );
        assert_eq!(exit(255, false, Some("a\x1bb")), "exit code 255: a\\u{1b}b");
    }

    #[test]
    fn what_an_engine_says_reaches_no_terminal_raw() {
        let error = EngineError::Unhealthy {
            container: "c".into(),
            log: "\x1b[31mno".into(),
        };
        assert!(!error.to_string().contains('\x1b'));
    }
}
