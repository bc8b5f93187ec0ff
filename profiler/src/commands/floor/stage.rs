//! Where the containers are started and watched.

use anyhow::{Context as _, bail};
use futures_util::future::try_join_all;

use super::ways::{WAYS, Way};
use crate::cli::RunOptions;
use crate::kernel::{Boundary, Capacity, Facts, Observer, ScopeId, Watch};
use crate::profile;
use crate::recording;
use crate::target::Session;
use crate::target::cgroup::{Hierarchies, ScopeCgroup};
use crate::target::engine::{ContainerSpec, Engine, with_container};

pub(super) struct Stage<'a> {
    engine: &'a Engine,
    driver: &'a str,
    hierarchies: &'a Hierarchies,
    session: &'a Session,
    image: &'a str,
    observer: Observer,
    starts: u32,
}

/// What one start showed.
pub(super) struct Shown {
    pub(super) way: &'static Way,
    pub(super) no_new_privileges: bool,
    pub(super) facts: Facts,
}

/// A container that is to be started, in a cgroup of its own.
struct Start {
    way: &'static Way,
    no_new_privileges: bool,
    options: RunOptions,
    name: String,
    cgroup: ScopeCgroup,
    scope: ScopeId,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        facts: &'a recording::Engine,
        hierarchies: &'a Hierarchies,
        session: &'a Session,
        image: &'a str,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            engine,
            driver: &facts.cgroup_driver,
            hierarchies,
            session,
            image,
            observer: Observer::load(Watch {
                denials: false,
                capacity: Capacity::Few,
            })?,
            starts: 0,
        })
    }

    /// Each way in each mode once, all at a time.
    pub(super) async fn round(&mut self) -> anyhow::Result<Vec<Shown>> {
        let mut starts = Vec::new();
        for no_new_privileges in [false, true] {
            for way in &WAYS {
                starts.push(self.prepare(way, no_new_privileges)?);
            }
        }
        try_join_all(starts.iter().map(|start| self.run(start))).await?;
        let lost = self.observer.losses()?;
        if lost.processes + lost.programs + lost.stray_calls + lost.cgroups > 0 {
            bail!("calls were lost; measure again when less runs here");
        }
        let scopes: Vec<ScopeId> = starts.iter().map(|start| start.scope).collect();
        let mut facts = self.observer.facts_of(&scopes)?;
        self.observer.release(&scopes)?;
        let mut shown = Vec::new();
        for start in starts {
            start.cgroup.remove()?;
            shown.push(Shown {
                way: start.way,
                no_new_privileges: start.no_new_privileges,
                facts: facts.remove(&start.scope).unwrap_or_default(),
            });
        }
        Ok(shown)
    }

    fn prepare(&mut self, way: &'static Way, no_new_privileges: bool) -> anyhow::Result<Start> {
        self.starts += 1;
        let name = self.session.name(self.starts);
        let cgroup = ScopeCgroup::engine_parent(self.hierarchies, self.driver, &name)?;
        Ok(Start {
            way,
            no_new_privileges,
            options: way.options(no_new_privileges),
            name,
            scope: self.observer.watch(cgroup.id(), Boundary::Filter)?,
            cgroup,
        })
    }

    async fn run(&self, start: &Start) -> anyhow::Result<()> {
        let spec = ContainerSpec {
            image: self.image,
            options: &start.options,
            arguments: &[start.way.command.to_owned()],
            seccomp: Some(profile::OPEN),
            cgroup_parent: Some(start.cgroup.parent_argument()),
            name: &start.name,
            session: self.session.id(),
        };
        let ended = with_container(self.engine, &spec, async |container| {
            container.start_without_log().await?;
            container.wait_exit().await
        });
        let exit = ended
            .await
            .with_context(|| format!("cannot measure a start by {}", start.way.name))?;
        if exit.exit_code != 0 {
            bail!("a start by {} ended with {exit}", start.way.name);
        }
        Ok(())
    }
}
