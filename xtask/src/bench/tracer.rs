//! Who looks on while something is measured: nobody, an empty program, we, or a peer.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::shell::{run, shown};

/// Attaching takes a second on a loaded machine; bpftrace compiles first.
const READY: Duration = Duration::from_mins(1);

/// A program in the background, killed where it is not stopped.
pub(super) struct Looker {
    child: Child,
    name: String,
    lines: Receiver<(Instant, String)>,
}

impl Looker {
    /// Returns once it has written a line that contains `ready`.
    pub(super) fn start(command: &mut Command, ready: &str) -> Result<Self> {
        let mut looker = Self::spawn(command)?;
        looker.line(ready)?;
        Ok(looker)
    }

    /// Of one that does not say when it is ready: after this time, if it still runs.
    pub(super) fn start_silent(command: &mut Command, after: Duration) -> Result<Self> {
        let mut looker = Self::spawn(command)?;
        std::thread::sleep(after);
        if let Some(status) = looker.child.try_wait()? {
            bail!(
                "{} ended ({status}): {}",
                looker.name,
                looker.rest().join("; ")
            );
        }
        Ok(looker)
    }

    pub(super) fn spawn(command: &mut Command) -> Result<Self> {
        let name = shown(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let (sender, lines) = channel();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        for stream in streams.into_iter().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = sender.send((Instant::now(), line));
                }
            });
        }
        Ok(Self { child, name, lines })
    }

    /// Waits for a line that contains this; when it came, and the line.
    pub(super) fn line(&mut self, wanted: &str) -> Result<(Instant, String)> {
        let mut said = Vec::new();
        let deadline = Instant::now() + READY;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((at, line)) if line.contains(wanted) => return Ok((at, line)),
                Ok((_, line)) => said.push(line),
                Err(_) => bail!("{} did not say {wanted:?}: {}", self.name, said.join("; ")),
            }
        }
    }

    /// Ends its stdin, which is what ours wait for; the lines that nobody has waited for.
    pub(super) fn released(mut self) -> Result<Vec<String>> {
        drop(self.child.stdin.take());
        self.ended()
    }

    /// The same by Ctrl-C; peers do not agree on what they exit with then.
    pub(super) fn interrupted(mut self) -> Result<Vec<String>> {
        run(Command::new("kill").args(["-s", "INT", &self.child.id().to_string()]))?;
        self.child.wait()?;
        Ok(self.rest())
    }

    /// Waits for its end; an error unless it exits with 0.
    pub(super) fn ended(mut self) -> Result<Vec<String>> {
        let status = self.child.wait()?;
        let lines = self.rest();
        if !status.success() {
            bail!("{} failed ({status}): {}", self.name, lines.join("; "));
        }
        Ok(lines)
    }

    /// Until both streams have ended.
    fn rest(&self) -> Vec<String> {
        self.lines.iter().map(|(_, line)| line).collect()
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cgroup (v2) with a process in it, so that it can be attached to; removed in the end.
pub(super) struct Cgroup {
    pub(super) folder: PathBuf,
    sleeper: Child,
}

impl Cgroup {
    pub(super) fn new(name: &str) -> Result<Self> {
        let folder = hierarchy()?.join(format!("profiler-bench-{}-{name}", std::process::id()));
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        let sleeper = inside(&folder, Path::new("sleep"))
            .arg("infinity")
            .stdin(Stdio::null())
            .spawn();
        match sleeper {
            Ok(sleeper) => Ok(Self { folder, sleeper }),
            Err(error) => {
                let _ = fs::remove_dir(&folder);
                Err(error).context("cannot start sleep")
            }
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::write(self.folder.join("cgroup.kill"), "1");
        let _ = self.sleeper.wait();
        // What a watcher that was killed has made.
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let _ = fs::remove_dir(entry.path());
        }
        let began = Instant::now();
        while fs::remove_dir(&self.folder).is_err() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Where the v2 hierarchy is mounted.
pub(super) fn hierarchy() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let path = fields.next()?;
        (fields.next() == Some("cgroup2")).then(|| path.into())
    });
    mount.context("no cgroup v2 is mounted")
}

/// A program that joins the cgroup before it is one.
pub(super) fn inside(cgroup: &Path, program: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"echo 0 >"$0" && exec "$@""#])
        .arg(cgroup.join("cgroup.procs"))
        .arg(program);
    command
}

/// perf trace and bpftrace use its tracepoints. Unmounted again where we mounted it.
pub(super) struct Tracefs {
    is_ours: bool,
}

const TRACEFS: &str = "/sys/kernel/tracing";

impl Tracefs {
    pub(super) fn provide() -> Result<Self> {
        let is_ours = !Path::new(TRACEFS).join("events").exists();
        if is_ours {
            run(Command::new("mount").args(["-t", "tracefs", "tracefs", TRACEFS]))?;
        }
        Ok(Self { is_ours })
    }
}

impl Drop for Tracefs {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = Command::new("umount").arg(TRACEFS).status();
        }
    }
}
