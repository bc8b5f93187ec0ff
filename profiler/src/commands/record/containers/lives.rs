//! Lives of wanted containers: told as far as they are known, ended when they are over.

use std::time::Duration;

use super::end;
use super::watcher::Watcher;
use crate::commands::record::run::{End, Life};
use crate::kernel::{self, ScopeFacts, ScopeId};
use crate::recording::{RunContainer, Text};

/// SIGKILL, as an exit code.
const KILLED: i32 = 137;
/// How long the engine may take to tell that it was for want of memory.
const WHY: Duration = Duration::from_secs(1);

impl Watcher {
    /// Those that have ended and of which all is known, or will not be.
    pub(super) async fn end_lives(
        &mut self,
        scopes: &[ScopeFacts],
        patience: Duration,
    ) -> anyhow::Result<()> {
        let over: Vec<ScopeId> = self
            .lives
            .iter()
            .filter(|(_, alive)| {
                let known = self.known.get(&alive.container);
                let outcome = end::outcome(known, alive);
                let is_known = known.is_some_and(|known| known.facts.is_some())
                    && outcome.subject_exit.is_some();
                let why_pending = outcome.subject_exit == Some(KILLED) && outcome.passed;
                alive.ended.is_some_and(|(_, seen)| {
                    let since = seen.elapsed();
                    since > patience || (is_known && (!why_pending || since > WHY))
                })
            })
            .map(|(scope, _)| *scope)
            .collect();
        if over.is_empty() {
            return Ok(());
        }
        let mut ended = Vec::new();
        for scope in &over {
            let life = self.life(*scope, scopes).await;
            let Some(alive) = self.lives.remove(scope) else {
                continue;
            };
            let known = self.known.get(&alive.container);
            let end = End {
                ended_ns: alive.ended.map(|(ended_ns, _)| ended_ns),
                outcome: end::outcome(known, &alive),
            };
            ended.push((life, end));
        }
        self.recorder.end(ended)?;
        self.recorder
            .observer
            .release(&over)
            .map_err(anyhow::Error::from)
    }

    /// As far as it is known now.
    pub(super) async fn life(&mut self, scope: ScopeId, scopes: &[ScopeFacts]) -> Life {
        let facts = scopes.iter().find(|facts| facts.scope == scope);
        let began = facts.and_then(|facts| facts.began_with);
        let container = self
            .lives
            .get(&scope)
            .map(|alive| alive.container.clone())
            .unwrap_or_default();
        let image = self.known.get(&container).map(|known| known.image.clone());
        let digests = match image {
            Some(image) => self.repo_digests(&image).await,
            None => Vec::new(),
        };
        self.life_with(scope, began, digests)
    }

    fn life_with(
        &self,
        scope: ScopeId,
        began: Option<kernel::BeganWith>,
        digests: Vec<String>,
    ) -> Life {
        let alive = &self.lives[&scope];
        let known = &self.known[&alive.container];
        Life {
            scope,
            about: known.about(self.engine_facts.clone(), digests, began),
            started_ns: alive.born_ns,
            container: Some(RunContainer {
                id: alive.container.clone(),
                name: known.name.clone(),
            }),
            health_check: known
                .facts
                .as_ref()
                .and_then(|facts| facts.health_check.clone()),
            from_birth: alive.from_birth,
        }
    }

    async fn repo_digests(&mut self, image: &Text) -> Vec<String> {
        let image = String::from_utf8_lossy(image.as_bytes()).into_owned();
        if !self.images.contains_key(&image) {
            let digests = self.engine.image(&image).await;
            let digests = digests.map(|facts| facts.repo_digests).unwrap_or_default();
            self.images.insert(image.clone(), digests);
        }
        self.images.get(&image).cloned().unwrap_or_default()
    }

    pub(super) fn checkpoint(&mut self) {
        let lives = self.all_lives();
        self.recorder.checkpoint(&lives);
    }

    /// Of which all is known that tells their subject.
    fn all_lives(&self) -> Vec<Life> {
        let scopes = self.recorder.observer.scopes();
        scopes
            .iter()
            .filter(|facts| {
                self.lives.get(&facts.scope).is_some_and(|alive| {
                    let known = self.known.get(&alive.container);
                    known.is_some_and(|known| known.facts.is_some())
                        && (facts.began_with.is_some() || !alive.from_birth)
                })
            })
            .map(|facts| {
                let image = &self.known[&self.lives[&facts.scope].container].image;
                let image = String::from_utf8_lossy(image.as_bytes());
                let digests = self.images.get(image.as_ref()).cloned();
                self.life_with(facts.scope, facts.began_with, digests.unwrap_or_default())
            })
            .collect()
    }

    pub(super) fn show(&mut self) {
        let lives = self.progress.is_live().then(|| self.all_lives());
        if let Some(lives) = lives {
            let snapshot = self.recorder.snapshot(&lives);
            self.progress.update(snapshot);
        }
    }
}
