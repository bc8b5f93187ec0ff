//! What the ways of recording share: lives become runs, runs of one subject become one file.
//!
//! Writes checkpoints while it goes, so that a recorder that is killed leaves what it knew.

use std::collections::HashSet;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use indexmap::IndexMap;

use super::output::Output;
use super::progress::{Progress, Snapshot};
use super::run::{End, Life, Provenance};
use super::{nameless, report};
use crate::cli::RecordArgs;
use crate::collector;
use crate::kernel::{LossCounts, Observer, ScopeId};
use crate::recording::{self, CgroupMode, Outcome, Recording, Status, Text};

/// Between two looks at what there is to show.
const SHOW: Duration = Duration::from_millis(500);

pub(super) struct Recorder {
    pub(super) observer: Observer,
    output: Output,
    provenance: Provenance,
    strict: bool,
    checkpoint_every: Duration,
    /// By file, the runs that have ended.
    ended: IndexMap<PathBuf, Recording>,
    /// Containers that nobody could name.
    pub(super) unidentified: u64,
    written: Written,
    checkpoints: HashSet<PathBuf>,
    /// How many first sights were counted in what was shown last.
    shown: (u64, Snapshot),
}

/// What the last checkpoint held.
#[derive(Default, PartialEq, Eq)]
struct Written {
    first_sights: u64,
    without_events: u64,
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
        Ok(Self {
            provenance: Provenance::here(cgroup, &observer)?,
            observer,
            output,
            strict: args.trust.strict(),
            checkpoint_every: args.trust.checkpoint,
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
            let recording = self
                .provenance
                .recording(&self.observer, &life, &facts, end);
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
            without_events: self.observer.without_events(),
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
            let run = self.provenance.recording(&self.observer, life, facts, end);
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
        nameless::unite(&mut self.ended);
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
