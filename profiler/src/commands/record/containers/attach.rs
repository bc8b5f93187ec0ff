//! Containers that run before they are watched.

use std::time::Duration;

use super::known::{Known, Resolved};
use super::watcher::Watcher;
use crate::commands::record::running;
use crate::kernel::{self, Boundary};
use crate::target::engine::ContainerFacts;

/// How long a started container's cgroup may take to be seen.
pub(super) const SCOPE: Duration = Duration::from_millis(500);

impl Watcher {
    /// What runs already: the named ones are attached to; others are told of, as nobody may take
    /// them for recorded.
    pub(super) async fn attach_to_running(&mut self) -> anyhow::Result<()> {
        let containers = match &self.wanted {
            Resolved::Running(containers) => containers.clone(),
            Resolved::Started(selector) => {
                let running = self.engine.containers().await?;
                let running = running
                    .iter()
                    .filter(|container| container.running && selector.matches(&container.labels));
                let names: Vec<String> = running.map(|one| one.name.to_string()).collect();
                if !names.is_empty() {
                    self.progress.state(&format!(
                        "running already, so not recorded: {}; --container attaches to them",
                        names.join(", ")
                    ));
                }
                return Ok(());
            }
        };
        for facts in containers {
            self.attach(facts)?;
        }
        Ok(())
    }

    fn attach(&mut self, facts: ContainerFacts) -> anyhow::Result<()> {
        let cgroup = facts.cgroup(&self.hierarchies)?;
        let scope = running::attach(&mut self.recorder.observer, &cgroup, Boundary::Container)?;
        if let Some(parent) = cgroup.parent(&self.hierarchies)? {
            // Its next life is seen from its birth, wherever it was made to live.
            self.recorder
                .observer
                .watch_children(parent.id(), Boundary::Container)?;
        }
        self.progress.state(&format!("attached to {}", facts.name));
        let container = facts.id.clone();
        self.known.insert(container.clone(), Known::of_facts(facts));
        self.begin(scope, container, kernel::boot_time_ns(), false);
        Ok(())
    }

    /// Containers that the engine started where we do not look: attached to as soon as that shows.
    pub(super) async fn attach_to_missed(&mut self) -> anyhow::Result<()> {
        let missed: Vec<String> = self
            .started
            .iter()
            .filter(|(id, since)| {
                since.elapsed() > SCOPE
                    && !self
                        .pending
                        .values()
                        .any(|pending| pending.container == **id)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in missed {
            self.started.remove(&id);
            if self.lives.values().any(|alive| alive.container == id) {
                continue;
            }
            let Ok(facts) = self.engine.look_up(&id).await else {
                self.recorder.unidentified();
                continue;
            };
            // One that has ended meanwhile is missing, and that is counted.
            if let Err(error) = self.attach(facts) {
                log::warn!("{error:#}");
                self.recorder.unidentified();
            }
        }
        Ok(())
    }
}
