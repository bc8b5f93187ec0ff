//! What the ways of recording share: lives become runs, runs of one subject become one file.
//!
//! Writes checkpoints while it goes, so that a recorder that is killed leaves what it knew.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail};
use indexmap::IndexMap;

use super::output::Output;
use super::progress::{Progress, Snapshot};
use super::report;
use crate::cli::RecordArgs;
use crate::collector::{self, RunClock};
use crate::kernel::{self, Facts, LossCounts, Observer, ScopeId, Symbols};
use crate::recording::{
    self, Capabilities, CgroupMode, Confinement, Engine, FORMAT, Host, Outcome, Recording, Run,
    RunContainer, Status, Subject, Text, Tool, VERSION,
};

/// Between two looks at what there is to show.
const SHOW: Duration = Duration::from_millis(500);

/// What a subject is, and what it runs under.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct About {
    pub(super) subject: Subject,
    pub(super) engine: Option<Engine>,
    pub(super) confinement: Confinement,
}

/// One life of a subject: a run, while it is watched.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) scope: ScopeId,
    pub(super) about: About,
    /// Nanoseconds of CLOCK_BOOTTIME.
    pub(super) started_ns: u64,
    pub(super) container: Option<RunContainer>,
    /// The command line that the engine runs as a health check.
    pub(super) health_check: Option<Vec<Text>>,
    pub(super) from_birth: bool,
}

/// How a life ended, or how far it had come.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Nanoseconds of CLOCK_BOOTTIME; `None`: it goes on.
    pub(super) ended_ns: Option<u64>,
    pub(super) outcome: Outcome,
}

impl End {
    pub(super) fn now(outcome: Outcome) -> Self {
        Self {
            ended_ns: Some(kernel::boot_time_ns()),
            outcome,
        }
    }
}

pub(super) struct Recorder {
    pub(super) observer: Observer,
    output: Output,
    host: Host,
    strict: bool,
    checkpoint_every: Duration,
    symbols: OnceCell<Symbols>,
    /// By file, the runs that have ended.
    ended: IndexMap<PathBuf, Recording>,
    /// Containers that nobody could name.
    unidentified: u64,
    written: Written,
    checkpoints: HashSet<PathBuf>,
    /// How many first sights were counted in what was shown last.
    shown: (u64, Snapshot),
}

/// What the last checkpoint held.
#[derive(Default, PartialEq, Eq)]
struct Written {
    first_sights: u64,
    checks_and_denials: usize,
    runs: usize,
    losses: LossCounts,
}

impl Recorder {
    pub(super) fn new(
        observer: Observer,
        output: Output,
        cgroup: CgroupMode,
        args: &RecordArgs,
    ) -> anyhow::Result<Self> {
        let name = nix::sys::utsname::uname().context("cannot ask the kernel for its name")?;
        Ok(Self {
            observer,
            output,
            host: Host {
                kernel: name.release().to_string_lossy().into_owned(),
                machine: name.machine().to_string_lossy().into_owned(),
                cgroup,
            },
            strict: args.trust.strict(),
            checkpoint_every: args.trust.checkpoint,
            symbols: OnceCell::new(),
            ended: IndexMap::new(),
            unidentified: 0,
            written: Written::default(),
            checkpoints: HashSet::new(),
            shown: (0, Snapshot::default()),
        })
    }

    /// Does the work, with checkpoints of the life meanwhile.
    pub(super) async fn during<T>(
        &mut self,
        life: &Life,
        progress: &Progress,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        let mut ticks = self.ticks();
        let lives = std::slice::from_ref(life);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = ticks.next() => self.checkpoint(lives),
                () = tokio::time::sleep(SHOW), if progress.is_live() => {
                    let snapshot = self.snapshot(lives);
                    progress.update(snapshot);
                }
            }
        }
    }

    pub(super) fn ticks(&self) -> Ticks {
        let every = self.checkpoint_every;
        Ticks((!every.is_zero()).then(|| {
            let mut interval = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            interval
        }))
    }

    /// A life has come to its end, or we to ours: it becomes a run.
    pub(super) fn end(&mut self, lives: Vec<(Life, End)>) -> anyhow::Result<()> {
        let scopes: Vec<ScopeId> = lives.iter().map(|(life, _)| life.scope).collect();
        let mut facts = self.observer.facts_of(&scopes)?;
        for (life, end) in lives {
            let facts = facts.remove(&life.scope).unwrap_or_default();
            let recording = self.one_run(&life, &facts, end);
            let path = self.output.path(&life.about);
            into(&mut self.ended, path, recording)?;
        }
        Ok(())
    }

    /// A container that could not be asked about before it was gone.
    pub(super) fn unidentified(&mut self) {
        self.unidentified += 1;
    }

    /// Whatever goes wrong is told and tried again the next time.
    pub(super) fn checkpoint(&mut self, lives: &[Life]) {
        if let Err(error) = self.try_checkpoint(lives) {
            log::warn!("no checkpoint was written: {error:#}");
        }
    }

    fn try_checkpoint(&mut self, lives: &[Life]) -> anyhow::Result<()> {
        let now = Written {
            first_sights: self.observer.newest().0,
            checks_and_denials: self.observer.checks_and_denials(),
            runs: self
                .ended
                .values()
                .map(|recording| recording.runs.len())
                .sum(),
            losses: self.observer.losses()?,
        };
        if now == self.written {
            return Ok(());
        }
        for (path, mut recording) in self.so_far(lives)? {
            recording.status = Status::Checkpoint;
            recording.losses = collector::losses(&now.losses, self.unidentified);
            recording::write(&path, &recording)?;
            self.checkpoints.insert(path);
        }
        self.written = now;
        Ok(())
    }

    /// The runs that have ended, and those that go on.
    fn so_far(&self, lives: &[Life]) -> anyhow::Result<IndexMap<PathBuf, Recording>> {
        let scopes: Vec<ScopeId> = lives.iter().map(|life| life.scope).collect();
        let facts = self.observer.facts_of(&scopes)?;
        let mut recordings = self.ended.clone();
        for life in lives {
            let Some(facts) = facts.get(&life.scope) else {
                continue;
            };
            let end = End {
                ended_ns: None,
                outcome: Outcome {
                    passed: false,
                    test_exit: None,
                    subject_exit: None,
                    reason: Some("the recorder did not come to its end".into()),
                },
            };
            let path = self.output.path(&life.about);
            let run = self.one_run(life, facts, end);
            // Before its first program, nothing of the subject's is in it.
            if !run.architectures.is_empty() {
                into(&mut recordings, path, run)?;
            }
        }
        Ok(recordings)
    }

    /// For a person who watches. Counted again only where something was seen since.
    pub(super) fn snapshot(&mut self, lives: &[Life]) -> Snapshot {
        let (first_sights, newest) = self.observer.newest();
        if first_sights != self.shown.0 {
            if let Ok(recordings) = self.so_far(lives) {
                self.shown.1 = shown(recordings.values());
            }
            self.shown.0 = first_sights;
            self.shown.1.newest = newest.map(|seen| {
                let by = Text::from_c_bytes(&self.observer.executable(&seen))
                    .or_else(|| Text::from_c_bytes(&seen.comm));
                let call = collector::call_name(&seen);
                let by = by.map_or_else(String::new, |by| format!(" by {by}"));
                (format!("{call}{by}"), Instant::now())
            });
        }
        self.shown.1.clone()
    }

    /// Whether what the user asked to pass did is the test's to say, of all runs.
    pub(super) fn test_ended(&mut self, exit: i32) {
        for run in self
            .ended
            .values_mut()
            .flat_map(|recording| &mut recording.runs)
        {
            run.outcome.test_exit = Some(exit);
            if exit != 0 {
                run.outcome.passed = false;
                let reason = format!("the test ended with exit code {exit}");
                run.outcome.reason.get_or_insert(reason.into());
            }
        }
    }

    /// Writes every file, says what was learned. The number of facts that were lost.
    pub(super) fn close(mut self) -> anyhow::Result<Closed> {
        let losses = collector::losses(&self.observer.losses()?, self.unidentified);
        let mut failure = None;
        for (path, recording) in &mut self.ended {
            recording.losses = losses;
            if let Err(error) = super::output::write(path, recording) {
                failure.get_or_insert(error);
            } else {
                report::written(path, recording);
            }
        }
        // A subject turned out to be another than it seemed.
        for path in self.checkpoints {
            if !self.ended.contains_key(&path) {
                let _ = std::fs::remove_file(path);
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        Ok(Closed {
            lost: losses.total(),
            strict: self.strict,
        })
    }

    /// As a recording of its own.
    fn one_run(&self, life: &Life, facts: &Facts, end: End) -> Recording {
        let clock = RunClock {
            run: 1,
            started_ns: life.started_ns,
        };
        let (sessions, session_ids) =
            collector::sessions(clock, &facts.sessions, life.health_check.as_deref());
        let any_check = facts
            .programs
            .iter()
            .any(|program| !program.capabilities.is_empty());
        let checks = if any_check {
            let symbols = self.symbols.get_or_init(Symbols::load);
            collector::capability_checks(clock, &facts.programs, &session_ids, symbols)
        } else {
            Vec::new()
        };
        let now_ns = kernel::boot_time_ns();
        let age = Duration::from_nanos(now_ns.saturating_sub(life.started_ns));
        let started = SystemTime::now()
            .checked_sub(age)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let until = end.ended_ns.unwrap_or(now_ns);
        let About {
            subject,
            engine,
            confinement,
        } = life.about.clone();
        let runs = vec![Run {
            id: clock.run,
            started: humantime::format_rfc3339_seconds(started).to_string(),
            duration_ms: until.saturating_sub(life.started_ns) / 1_000_000,
            container: life.container.clone(),
            from_birth: life.from_birth,
            to_end: end.ended_ns.is_some(),
            outcome: end.outcome,
        }];
        Recording {
            format: FORMAT.to_owned(),
            version: VERSION,
            status: Status::Complete,
            tool: Tool {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            assumptions: recording::assumptions(&subject, &confinement, &runs),
            subject,
            host: self.host.clone(),
            engine,
            confinement,
            runs,
            sessions,
            architectures: collector::architectures(clock, &facts.programs, &session_ids),
            capabilities: Capabilities {
                observed_by: self.observer.capability_hook().map(str::to_owned),
                checks,
            },
            losses: recording::Losses::default(),
        }
    }
}

fn shown<'a>(recordings: impl Iterator<Item = &'a Recording>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let (mut calls, mut capabilities) = (HashSet::new(), HashSet::new());
    for recording in recordings {
        snapshot.subjects += 1;
        snapshot.runs += recording.runs.len();
        calls.extend(recording.architectures.values().flat_map(IndexMap::keys));
        let checks = recording.capabilities.checks.iter();
        let granted = checks.filter(|check| check.granted);
        capabilities.extend(granted.map(|check| &check.capability));
    }
    snapshot.calls = calls.len();
    snapshot.capabilities = capabilities.len();
    snapshot
}

fn into(
    recordings: &mut IndexMap<PathBuf, Recording>,
    path: PathBuf,
    run: Recording,
) -> anyhow::Result<()> {
    match recordings.get_mut(&path) {
        Some(recording) => recording::merge(recording, run)?,
        None => {
            recordings.insert(path, run);
        }
    }
    Ok(())
}

/// When a checkpoint is due; never where none are wanted.
pub(super) struct Ticks(Option<tokio::time::Interval>);

impl Ticks {
    pub(super) async fn next(&mut self) {
        match &mut self.0 {
            Some(interval) => {
                interval.tick().await;
            }
            None => std::future::pending().await,
        }
    }
}

/// What was written.
pub(super) struct Closed {
    lost: u64,
    strict: bool,
}

impl Closed {
    /// The command's exit code; where the recording is incomplete and that must not be, an error,
    /// unless there is another reason to fail already.
    pub(super) fn exit_code(&self, code: u8) -> anyhow::Result<u8> {
        if code == 0 && self.strict && self.lost > 0 {
            bail!(
                "the recording is not complete ({} facts are lost, see \"losses\" in it), and --strict is set",
                self.lost
            );
        }
        Ok(code)
    }
}
