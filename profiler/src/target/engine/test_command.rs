//! The user's test: `sh -c`, on the host, while the container runs.

use std::io::{self, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::{Interrupt, Interrupts};

/// How long a test may take to come to its end after an interruption: as long as `docker stop`
/// gives.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// 128 + N where signal N ended it.
    pub exit_code: i32,
    /// What cut it short.
    pub interrupted: Option<Interrupt>,
}

#[derive(Debug, thiserror::Error)]
pub enum TestError {
    #[error("cannot run the test: sh: {0}; a POSIX shell must be in PATH")]
    Start(io::Error),
    #[error("cannot wait for the test: {0}")]
    Wait(io::Error),
}

/// Its standard streams are ours. An interruption is passed on to it, and it is waited for;
/// killed where it takes longer than ten seconds.
pub async fn run_test(
    command: &str,
    environment: &[(&str, String)],
    interrupts: &Interrupts,
) -> Result<TestOutcome, TestError> {
    let mut interrupts = interrupts.clone();
    // A group of its own, so that what the shell started gets the signals too; but not where it
    // can read from a terminal, which stops all groups but the foreground's.
    let group = !io::stdin().is_terminal();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).kill_on_drop(true);
    shell.envs(environment.iter().map(|(name, value)| (name, value)));
    if group {
        shell.process_group(0);
    }
    let mut child = shell.spawn().map_err(TestError::Start)?;
    let mut interrupted = interrupts.heard();
    let mut deadline = interrupted.map(|_| Instant::now() + GRACE);
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(TestError::Wait)?;
                let signalled = || status.signal().map(|signal| 128 + signal);
                let exit_code = status.code().or_else(signalled).unwrap_or(255);
                return Ok(TestOutcome { exit_code, interrupted });
            }
            interrupt = interrupts.next() => {
                interrupted = Some(interrupt);
                deadline.get_or_insert(Instant::now() + GRACE);
                // What shares the terminal's foreground with us has it from there.
                if group || !interrupt.from_terminal {
                    send(&child, group, interrupt.signal);
                }
            }
            () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                send(&child, group, libc::SIGKILL);
                deadline = None;
            }
        }
    }
}

/// A process that has just ended, or a signal that does not exist, is no matter.
fn send(child: &Child, group: bool, signal: i32) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    if let (Some(pid), Ok(signal)) = (pid.map(Pid::from_raw), Signal::try_from(signal)) {
        let _ = if group {
            killpg(pid, signal)
        } else {
            kill(pid, signal)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{Interrupt, Interrupts, TestOutcome, run_test};
    use std::time::{Duration, Instant};

    async fn outcome(command: &str) -> TestOutcome {
        let (_sender, interrupts) = Interrupts::channel();
        run_test(command, &[("OURS", "7".into())], &interrupts)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn its_exit_code_is_the_shells() {
        assert_eq!(outcome("exit $OURS").await.exit_code, 7);
        assert_eq!(outcome("kill -SEGV $$").await.exit_code, 139);
        assert_eq!(outcome("no-such-command-anywhere").await.exit_code, 127);
        assert_eq!(outcome("true").await.interrupted, None);
    }

    /// The shell's child too: were it missed, the shell would wait for it.
    #[tokio::test]
    async fn an_interruption_reaches_what_the_shell_started() {
        let interrupt = Interrupt {
            signal: libc::SIGTERM,
            from_terminal: false,
        };
        let (sender, interrupts) = Interrupts::channel();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            sender.send(interrupt);
            tokio::time::sleep(Duration::from_mins(1)).await;
        });
        let begun = Instant::now();
        let outcome = run_test("trap 'exit 9' TERM; sleep 60; exit 1", &[], &interrupts)
            .await
            .unwrap();
        assert_eq!(outcome.exit_code, 9);
        assert_eq!(outcome.interrupted, Some(interrupt));
        assert!(begun.elapsed() < Duration::from_secs(8));
    }
}
