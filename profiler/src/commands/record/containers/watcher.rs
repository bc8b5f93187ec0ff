//! Scopes that the kernel side shows, matched with what the engine tells of containers.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::attach::SCOPE;
use super::known::{Known, Resolved};
use super::questions::{Answer, answer};
use super::{end, within};
use crate::cli::RecordArgs;
use crate::commands::record::progress::Progress;
use crate::commands::record::recorder::Recorder;
use crate::commands::record::run::End;
use crate::kernel::{self, ScopeFacts, ScopeId};
use crate::recording;
use crate::target::cgroup::{Hierarchies, container_id};
use crate::target::engine::{Action, ContainerEvent, Engine, EngineEvent, EventStream};

/// What is looked at again though nothing was heard: an exit code that the engine tells later.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long an exit code may come after the cgroup has gone: more than 2 s where many containers
/// end at once and the engine has no time.
const EXIT_CODE: Duration = Duration::from_secs(10);
/// How long the engine may take to tell of the last containers, after the test.
const SETTLE: Duration = Duration::from_secs(10);

pub(super) struct Watcher {
    pub(super) recorder: Recorder,
    pub(super) engine: Engine,
    pub(super) engine_facts: recording::Engine,
    pub(super) hierarchies: Hierarchies,
    pub(super) wanted: Resolved,
    pub(super) progress: Progress,
    pub(super) known: HashMap<String, Known>,
    /// Questions to the engine under way, and of whom.
    pub(super) questions: JoinSet<Answer>,
    pub(super) asked: HashSet<String>,
    /// Scopes whose container is not known yet.
    pub(super) pending: HashMap<ScopeId, Pending>,
    pub(super) lives: HashMap<ScopeId, Alive>,
    /// Wanted ones that the engine has started, and no scope was seen of.
    pub(super) started: HashMap<String, Instant>,
    /// How many lives were seen before the engine told of their start.
    early: HashMap<String, u32>,
    pub(super) images: HashMap<String, Vec<String>>,
    destroyed: HashSet<String>,
    /// Containers that were started and not wanted.
    others: usize,
    matched: usize,
}

/// A scope of which it is not known who it is.
pub(super) struct Pending {
    pub(super) container: String,
    since: Instant,
}

/// A life that is watched.
pub(super) struct Alive {
    pub(super) container: String,
    /// Nanoseconds of CLOCK_BOOTTIME.
    pub(super) born_ns: u64,
    pub(super) from_birth: bool,
    /// By that clock, and when it was seen.
    pub(super) ended: Option<(u64, Instant)>,
    /// Told while it was watched; the next life has its own.
    pub(super) exit: Option<i32>,
    pub(super) oom: bool,
}

impl Watcher {
    pub(super) fn new(
        engine: Engine,
        engine_facts: recording::Engine,
        hierarchies: Hierarchies,
        wanted: Resolved,
        recorder: Recorder,
        progress: Progress,
    ) -> Self {
        Self {
            recorder,
            engine,
            engine_facts,
            hierarchies,
            wanted,
            progress,
            known: HashMap::new(),
            questions: JoinSet::new(),
            asked: HashSet::new(),
            pending: HashMap::new(),
            lives: HashMap::new(),
            started: HashMap::new(),
            early: HashMap::new(),
            images: HashMap::new(),
            destroyed: HashSet::new(),
            others: 0,
            matched: 0,
        }
    }

    pub(super) fn begin(
        &mut self,
        scope: ScopeId,
        container: String,
        born_ns: u64,
        from_birth: bool,
    ) {
        if self.started.remove(&container).is_none() && from_birth {
            *self.early.entry(container.clone()).or_default() += 1;
        }
        self.matched += 1;
        let alive = Alive {
            container,
            born_ns,
            from_birth,
            ended: None,
            exit: None,
            oom: false,
        };
        self.lives.insert(scope, alive);
    }

    /// The named ones have ended for good; nobody else can say when there is nothing left.
    pub(super) fn nothing_left(&self) -> bool {
        let Resolved::Running(containers) = &self.wanted else {
            return false;
        };
        self.lives.is_empty()
            && self.pending.is_empty()
            && containers
                .iter()
                .all(|container| self.destroyed.contains(&container.id))
    }

    /// Until there is something to look at. Cancel-safe.
    pub(super) async fn anything(&mut self) {
        let answer = tokio::select! {
            answer = answer(&mut self.questions) => answer,
            () = self.recorder.observer.changed() => return,
            () = tokio::time::sleep(LOOK_AGAIN) => return,
        };
        self.told(answer);
    }

    pub(super) fn heard(&mut self, event: EngineEvent) {
        match event {
            EngineEvent::Container(event) => self.heard_of(event),
            EngineEvent::Disconnected { reason } => self
                .progress
                .state(&format!("the engine is away ({reason}); still recording")),
            EngineEvent::Reconnected { containers } => {
                self.progress.state("the engine is back");
                for container in containers {
                    // Asked again: what happened meanwhile was not heard.
                    if self.wanted.wants(&container.id, &container.labels) {
                        self.asked.remove(&container.id);
                        self.ask(&container.id);
                    }
                }
            }
        }
    }

    fn heard_of(&mut self, event: ContainerEvent) {
        let wanted = self.wanted.wants(&event.id, &event.labels);
        let known = self
            .known
            .entry(event.id.clone())
            .or_insert_with(|| Known::of_event(&event));
        match event.action {
            Action::Create if wanted => self.ask(&event.id),
            Action::Start => {
                known.exit = None;
                known.oom = false;
                if wanted {
                    self.progress.state(&format!("{} started", event.name));
                    self.ask(&event.id);
                    match self.early.get_mut(&event.id) {
                        Some(lives) if *lives > 0 => *lives -= 1,
                        _ => {
                            self.started.insert(event.id, Instant::now());
                        }
                    }
                }
            }
            Action::Die { exit_code } => {
                known.exit = exit_code;
                let mut lives = self.lives.values_mut();
                let life = lives.find(|alive| alive.container == event.id && alive.exit.is_none());
                if let Some(alive) = life {
                    alive.exit = exit_code;
                }
                if wanted {
                    let code = exit_code.map_or_else(String::new, |code| format!(" with {code}"));
                    self.progress.state(&format!("{} ended{code}", event.name));
                }
            }
            Action::Oom => {
                known.oom = true;
                // Told before the death or soon after it.
                let lives = self.lives.values_mut();
                for alive in lives.filter(|alive| alive.container == event.id) {
                    alive.oom = true;
                }
            }
            Action::Rename { .. } => known.name = event.name,
            Action::Destroy => {
                self.destroyed.insert(event.id);
            }
            _ => {}
        }
    }

    /// At what the kernel side shows now.
    pub(super) async fn look(&mut self) -> anyhow::Result<()> {
        let scopes = self.recorder.observer.scopes();
        for scope in &scopes {
            self.look_at(scope);
        }
        self.decide(&scopes);
        self.ask_again();
        self.end_lives(&scopes, EXIT_CODE).await?;
        self.attach_to_missed().await?;
        let gone = self.recorder.observer.dropped_and_ended();
        if !gone.is_empty() {
            self.recorder.observer.release(&gone)?;
        }
        self.show();
        Ok(())
    }

    fn look_at(&mut self, scope: &ScopeFacts) {
        if let Some(alive) = self.lives.get_mut(&scope.scope) {
            if let (Some(ended_ns), None) = (scope.ended_ns, alive.ended) {
                alive.ended = Some((ended_ns, Instant::now()));
            }
        } else if let Entry::Vacant(place) = self.pending.entry(scope.scope) {
            match container_id(&String::from_utf8_lossy(&scope.path)) {
                Some(container) => {
                    let since = Instant::now();
                    place.insert(Pending { container, since });
                }
                // A system service beside the containers, say.
                None => self.recorder.observer.drop_scope(scope.scope),
            }
        }
    }

    /// Keeps or drops those of which it is known by now who they are.
    fn decide(&mut self, scopes: &[ScopeFacts]) {
        let mut undecided = HashMap::new();
        for (scope, pending) in std::mem::take(&mut self.pending) {
            let Some(known) = self.known.get(&pending.container) else {
                self.ask(&pending.container);
                undecided.insert(scope, pending);
                continue;
            };
            if self.wanted.wants(&pending.container, &known.labels) {
                let facts = scopes.iter().find(|facts| facts.scope == scope);
                let born_ns = facts.map_or_else(kernel::boot_time_ns, |facts| facts.born_ns);
                self.ask(&pending.container);
                self.begin(scope, pending.container, born_ns, true);
            } else {
                self.others += 1;
                self.recorder.observer.drop_scope(scope);
            }
        }
        // Nobody knows it any more: the engine was away, or forgot it before it could be asked.
        let lost: Vec<ScopeId> = undecided
            .iter()
            .filter(|(_, pending)| pending.since.elapsed() > SETTLE)
            .map(|(scope, _)| *scope)
            .collect();
        for scope in lost {
            undecided.remove(&scope);
            self.recorder.unidentified();
            self.recorder.observer.drop_scope(scope);
        }
        self.pending = undecided;
    }

    /// After the test: whoever ended in it gets the time to be known, the others run on.
    pub(super) async fn settle(&mut self, events: &mut EventStream) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            self.look().await?;
            // The last events are on their way.
            let unsettled = began.elapsed() < SCOPE
                || !self.pending.is_empty()
                || !self.started.is_empty()
                || !self.questions.is_empty()
                || self.lives.values().any(|alive| alive.ended.is_some());
            if !unsettled || began.elapsed() > SETTLE {
                break;
            }
            let step = async {
                tokio::select! {
                    event = events.next() => self.heard(event),
                    () = self.anything() => {}
                }
            };
            within(Duration::from_millis(50), step).await;
        }
        for _ in std::mem::take(&mut self.pending) {
            self.recorder.unidentified();
        }
        let scopes = self.recorder.observer.scopes();
        let running: Vec<ScopeId> = self.lives.keys().copied().collect();
        let mut ended = Vec::new();
        for scope in running {
            let life = self.life(scope, &scopes).await;
            let known = self.known.get(&self.lives[&scope].container);
            let end = End {
                ended_ns: self.lives[&scope].ended.map(|(ended_ns, _)| ended_ns),
                outcome: end::outcome(known, &self.lives[&scope]),
            };
            ended.push((life, end));
        }
        self.recorder.end(ended)
    }

    pub(super) fn close(self, test_exit: Option<i32>, args: &RecordArgs) -> anyhow::Result<u8> {
        let code = test_exit.unwrap_or(0);
        let code = u8::try_from(code).unwrap_or(u8::MAX);
        if self.matched == 0 {
            let nothing = end::Nothing {
                wanted: &self.wanted,
                others: self.others,
                missed: self.recorder.unidentified,
                test: args.test.is_some(),
            };
            if code == 0 {
                anyhow::bail!("{nothing}");
            }
            self.progress.state(&nothing.to_string());
            return Ok(code);
        }
        self.progress.finish();
        let mut recorder = self.recorder;
        if let Some(exit) = test_exit {
            recorder.test_ended(exit);
        }
        recorder.close()?.exit_code(code)
    }
}
