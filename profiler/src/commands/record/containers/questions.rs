//! What the engine is asked about containers, while others of its answers are awaited.

use tokio::task::JoinSet;

use super::known::Known;
use super::watcher::Watcher;
use crate::target::engine::{ContainerFacts, EngineError};

/// Of which container, and what.
pub(super) type Answer = (String, Result<ContainerFacts, EngineError>);

impl Watcher {
    pub(super) fn told(&mut self, (id, answer): Answer) {
        match answer {
            Ok(facts) => match self.known.get_mut(&id) {
                Some(known) => {
                    known.exit = known.exit.or(facts.state.exit_code);
                    known.oom |= facts.state.oom_killed;
                    known.facts = Some(facts);
                }
                None => {
                    self.known.insert(id, Known::of_facts(facts));
                }
            },
            Err(error) => {
                log::debug!("{id}: {error}");
                // An engine that is busy refuses what it answers a moment later.
                if !matches!(error, EngineError::NoSuchContainer { .. }) {
                    self.asked.remove(&id);
                }
            }
        }
    }

    pub(super) fn ask(&mut self, id: &str) {
        if self.asked.insert(id.to_owned()) {
            let (engine, id) = (self.engine.clone(), id.to_owned());
            self.questions.spawn(async move {
                let answer = engine.look_up(&id).await;
                (id, answer)
            });
        }
    }

    /// About those that are watched and whom the engine did not tell of yet.
    pub(super) fn ask_again(&mut self) {
        let untold: Vec<String> = self
            .lives
            .values()
            .map(|alive| &alive.container)
            .filter(|container| {
                let known = self.known.get(*container);
                known.is_some_and(|known| known.facts.is_none())
            })
            .cloned()
            .collect();
        for container in untold {
            self.ask(&container);
        }
    }
}

/// Waits for ever where none is due.
pub(super) async fn answer(questions: &mut JoinSet<Answer>) -> Answer {
    loop {
        match questions.join_next().await {
            Some(Ok(answer)) => return answer,
            Some(Err(error)) => log::debug!("a question to the engine: {error}"),
            None => std::future::pending().await,
        }
    }
}
