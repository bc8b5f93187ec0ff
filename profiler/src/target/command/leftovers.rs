//! What becomes of processes that outlive the command.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::target::Interrupts;

/// How long what was about to end anyway may take; it is no leftover then.
const SETTLE: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(20);
/// Killed processes can stay for as long as the kernel is busy for them.
const KILL_WAIT: Duration = Duration::from_secs(10);

/// The rule for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// SIGTERM to each, and after the grace SIGKILL.
    Stop { grace: Duration },
    /// Wait until all have ended; a signal to us ends the wait with the other rule.
    Wait { grace: Duration },
}

impl Default for Leftovers {
    /// Stopped, with the grace that `docker stop` gives.
    fn default() -> Self {
        Self::Stop {
            grace: Duration::from_secs(10),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftoversReport {
    /// Processes that were there shortly after the command had ended.
    pub found: usize,
    pub end: LeftoversEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftoversEnd {
    ByThemselves,
    /// All ended on SIGTERM.
    Terminated,
    /// This many had to be killed.
    Killed(usize),
    /// This many are still there after SIGKILL: the kernel is busy for them.
    Remain(usize),
}

/// `None`: there was nothing.
pub(super) async fn clear(
    cgroup: &Path,
    rule: Leftovers,
    interrupts: &mut Interrupts,
) -> io::Result<Option<LeftoversReport>> {
    if empty_by(cgroup, Instant::now() + SETTLE).await? {
        return Ok(None);
    }
    let found = processes(cgroup)?.len();
    if found == 0 {
        // The last of them ended just now.
        return Ok(None);
    }
    let grace = match rule {
        Leftovers::Stop { grace } => grace,
        Leftovers::Wait { grace } => {
            tokio::select! {
                ended = empty(cgroup) => {
                    ended?;
                    return Ok(Some(LeftoversReport { found, end: LeftoversEnd::ByThemselves }));
                }
                _ = interrupts.next() => grace,
            }
        }
    };
    let end = stop(cgroup, grace, interrupts).await?;
    Ok(Some(LeftoversReport { found, end }))
}

async fn stop(
    cgroup: &Path,
    grace: Duration,
    interrupts: &mut Interrupts,
) -> io::Result<LeftoversEnd> {
    for process in processes(cgroup)? {
        // SAFETY: takes numbers. A stopped process hears SIGTERM once it goes on.
        unsafe {
            libc::kill(process, libc::SIGTERM);
            libc::kill(process, libc::SIGCONT);
        }
    }
    let ended = tokio::select! {
        ended = empty_by(cgroup, Instant::now() + grace) => ended?,
        // Whoever asks again does not want to wait.
        _ = interrupts.next() => false,
    };
    if ended {
        return Ok(LeftoversEnd::Terminated);
    }
    let killed = processes(cgroup)?.len();
    std::fs::write(cgroup.join("cgroup.kill"), "1")?;
    if empty_by(cgroup, Instant::now() + KILL_WAIT).await? {
        Ok(LeftoversEnd::Killed(killed))
    } else {
        Ok(LeftoversEnd::Remain(processes(cgroup)?.len()))
    }
}

async fn empty_by(cgroup: &Path, deadline: Instant) -> io::Result<bool> {
    match timeout_at(deadline, empty(cgroup)).await {
        Ok(ended) => ended.map(|()| true),
        Err(_) => Ok(false),
    }
}

/// Nested cgroups count
/// (<https://github.com/torvalds/linux/blob/v6.18/Documentation/admin-guide/cgroup-v2.rst#un-populated-notification>).
async fn empty(cgroup: &Path) -> io::Result<()> {
    let events = cgroup.join("cgroup.events");
    while std::fs::read_to_string(&events)?
        .lines()
        .any(|line| line == "populated 1")
    {
        sleep(POLL).await;
    }
    Ok(())
}

/// In this cgroup and those below it.
fn processes(cgroup: &Path) -> io::Result<BTreeSet<libc::pid_t>> {
    let mut all = BTreeSet::new();
    let mut folders = vec![cgroup.to_owned()];
    while let Some(folder) = folders.pop() {
        let listed = std::fs::read_to_string(folder.join("cgroup.procs"))
            .and_then(|text| Ok((text, std::fs::read_dir(&folder)?)));
        let (text, entries) = match listed {
            Ok(listed) => listed,
            // A nested cgroup may be removed meanwhile.
            Err(error) if gone(&error) && folder != cgroup => continue,
            Err(error) => return Err(error),
        };
        all.extend(
            text.lines()
                .filter_map(|line| line.parse::<libc::pid_t>().ok()),
        );
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(all)
}

fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENODEV)
}
