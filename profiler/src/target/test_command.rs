//! The user's test: `sh -c`, on the host, while what is watched runs.

use std::io::{self, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Interrupt, Interrupts, Tail};
use crate::terminal::{Sink, Stream};

/// How long a test may take to come to its end after an interruption: as long as `docker stop`
/// gives.
const GRACE: Duration = Duration::from_secs(10);
/// How long the rest of its output may take: it is in the pipe when the test ends.
const REST: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// 128 + N where signal N ended it.
    pub exit_code: i32,
    /// What cut it short.
    pub interrupted: Option<Interrupt>,
    /// It took longer than it may, and was ended for that.
    pub late: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum TestError {
    #[error("cannot run the test: sh: {0}; a POSIX shell must be in PATH")]
    Start(io::Error),
    #[error("cannot wait for the test: {0}")]
    Wait(io::Error),
}

/// Its standard streams are ours, but those that would tear a live line come through a pipe and
/// are shown above that: the test sees no terminal there. An interruption is passed on to it, and
/// it is waited for; killed where it takes longer than ten seconds.
pub async fn run_test(
    command: &str,
    environment: &[(&str, String)],
    interrupts: &Interrupts,
) -> Result<TestOutcome, TestError> {
    let shown = |stream: Stream| stream.tears().then(|| Sink::new(stream));
    let output = Output {
        stdout: shown(Stream::Stdout),
        stderr: shown(Stream::Stderr),
    };
    run(command, environment, interrupts, output).await
}

/// All that it prints goes to `output`, and after `limit` it is ended as an interruption ends it.
pub async fn run_test_within(
    command: &str,
    environment: &[(&str, String)],
    interrupts: &Interrupts,
    limit: Duration,
    output: Tail,
) -> Result<TestOutcome, TestError> {
    let (sender, own) = Interrupts::channel();
    let output = Output {
        stdout: Some(output.clone()),
        stderr: Some(output),
    };
    let mut test = std::pin::pin!(run(command, environment, &own, output));
    let cut_short = tokio::select! {
        outcome = &mut test => return outcome,
        interrupt = interrupts.any() => Some(interrupt),
        () = tokio::time::sleep(limit) => None,
    };
    sender.send(cut_short.unwrap_or(Interrupt {
        signal: libc::SIGTERM,
        from_terminal: false,
    }));
    Ok(TestOutcome {
        interrupted: cut_short,
        late: cut_short.is_none(),
        ..test.await?
    })
}

/// Where its output goes; `None` inherits ours.
struct Output<W> {
    stdout: Option<W>,
    stderr: Option<W>,
}

async fn run<W: AsyncWrite + Send + Unpin + 'static>(
    command: &str,
    environment: &[(&str, String)],
    interrupts: &Interrupts,
    output: Output<W>,
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
    if output.stdout.is_some() {
        shell.stdout(Stdio::piped());
    }
    if output.stderr.is_some() {
        shell.stderr(Stdio::piped());
    }
    let mut child = shell.spawn().map_err(TestError::Start)?;
    let forwarded = [
        forward(child.stdout.take(), output.stdout),
        forward(child.stderr.take(), output.stderr),
    ];
    let mut interrupted = interrupts.heard();
    let mut deadline = interrupted.map(|_| Instant::now() + GRACE);
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(TestError::Wait)?;
                rest(forwarded).await;
                let signalled = || status.signal().map(|signal| 128 + signal);
                let exit_code = status.code().or_else(signalled).unwrap_or(255);
                return Ok(TestOutcome { exit_code, interrupted, late: false });
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

/// By a task of its own, so that a terminal that stands still holds up no interruption.
fn forward(
    from: Option<impl AsyncRead + Send + Unpin + 'static>,
    to: Option<impl AsyncWrite + Send + Unpin + 'static>,
) -> Option<JoinHandle<()>> {
    let (mut from, mut to) = (from?, to?);
    Some(tokio::spawn(async move {
        if tokio::io::copy(&mut from, &mut to).await.is_err() {
            // Read on: a test whose output nobody takes would stand still.
            let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
        }
    }))
}

/// What the test left running may hold the pipes open for ever. Its output is not waited for, but
/// is still passed on while we are there: a closed pipe would kill it.
async fn rest(forwarded: [Option<JoinHandle<()>>; 2]) {
    let _ = tokio::time::timeout(REST, async {
        for task in forwarded.into_iter().flatten() {
            let _ = task.await;
        }
    })
    .await;
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
    use super::{Interrupt, Interrupts, Output, Tail, TestOutcome, run, run_test, run_test_within};
    use std::time::{Duration, Instant};
    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

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

    #[tokio::test]
    async fn one_that_takes_too_long_is_ended() {
        let (_sender, interrupts) = Interrupts::channel();
        let said = Tail::default();
        let limit = Duration::from_millis(300);
        let test = "echo begun; sleep 60; exit 1";
        let outcome = run_test_within(test, &[], &interrupts, limit, said.clone()).await;
        let outcome = outcome.unwrap();
        assert!(outcome.late);
        assert_eq!(outcome.interrupted, None);
        assert_eq!(said.to_string(), "begun\n");
        let outcome = run_test_within("exit 3", &[], &interrupts, limit, said).await;
        let expected = TestOutcome {
            exit_code: 3,
            interrupted: None,
            late: false,
        };
        assert_eq!(outcome.unwrap(), expected);
    }

    /// Its exit code, and what came through of both streams.
    async fn forwarded(command: &str) -> (i32, Vec<u8>, Vec<u8>) {
        let (_sender, interrupts) = Interrupts::channel();
        let (stdout, mut out) = duplex(1 << 20);
        let (stderr, mut err) = duplex(1 << 20);
        let output = Output {
            stdout: Some(stdout),
            stderr: Some(stderr),
        };
        let outcome = run(command, &[], &interrupts, output).await.unwrap();
        (
            outcome.exit_code,
            there_now(&mut out).await,
            there_now(&mut err).await,
        )
    }

    async fn there_now(from: &mut DuplexStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        let at_once = Duration::from_millis(10);
        while let Ok(Ok(1..)) = tokio::time::timeout(at_once, from.read_buf(&mut bytes)).await {}
        bytes
    }

    #[tokio::test]
    async fn what_comes_through_us_is_unchanged() {
        let (code, out, err) =
            forwarded(r"printf 'line\n\377\033[31mopen'; printf 'wrong' >&2; exit 3").await;
        assert_eq!(code, 3);
        assert_eq!(out, b"line\n\xff\x1b[31mopen");
        assert_eq!(err, b"wrong");
        // More than a pipe holds, and the end of it not waited for by the test.
        let (code, out, _) = forwarded("head -c 300000 /dev/zero").await;
        assert_eq!((code, out.len()), (0, 300_000));
    }

    #[tokio::test]
    async fn what_a_test_leaves_running_is_not_waited_for() {
        let begun = Instant::now();
        let (code, out, _) = forwarded("sleep 5 & echo done").await;
        assert_eq!((code, out), (0, b"done\n".to_vec()));
        assert!(begun.elapsed() < Duration::from_secs(4));
    }

    #[tokio::test]
    async fn output_that_nobody_takes_stops_no_test() {
        let (_sender, interrupts) = Interrupts::channel();
        let (closed, _) = duplex(1);
        let output = Output {
            stdout: Some(closed),
            stderr: None,
        };
        let outcome = run("head -c 300000 /dev/zero; exit 4", &[], &interrupts, output).await;
        assert_eq!(outcome.unwrap().exit_code, 4);
    }

    #[tokio::test]
    async fn a_terminal_that_stands_still_holds_up_no_interruption() {
        let (sender, interrupts) = Interrupts::channel();
        let (stopped, _never_read) = duplex(1);
        let output = Output {
            stdout: Some(stopped),
            stderr: None,
        };
        let begun = Instant::now();
        let (outcome, ()) = tokio::join!(
            run("exec head -c 300000 /dev/zero", &[], &interrupts, output),
            async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                sender.send(Interrupt {
                    signal: libc::SIGTERM,
                    from_terminal: false,
                });
            }
        );
        assert_eq!(outcome.unwrap().exit_code, 128 + libc::SIGTERM);
        assert!(begun.elapsed() < Duration::from_secs(8));
    }
}
