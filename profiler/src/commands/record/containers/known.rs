//! Which containers are wanted, and what the engine has told of each so far.

use anyhow::bail;

use crate::cli::Others;
use crate::commands::record::run::About;
use crate::commands::record::under::sha256;
use crate::kernel::BeganWith;
use crate::names;
use crate::recording::{self, Filter, Service, Subject, Text};
use crate::target::engine::{
    ComposeService, ContainerEvent, ContainerFacts, Engine, EngineError, Labels, Seccomp, Selector,
};

/// As it was typed.
pub(super) enum Wanted {
    Started(Selector),
    Named(Vec<String>),
}

/// As the engine knows it.
pub(super) enum Resolved {
    /// All that are started from now on and fit.
    Started(Selector),
    /// These, running now, and whatever they are restarted as.
    Running(Vec<ContainerFacts>),
}

impl Wanted {
    pub(super) fn parse(others: &Others) -> anyhow::Result<Self> {
        if !others.container.is_empty() {
            return Ok(Self::Named(others.container.clone()));
        }
        Ok(Self::Started(
            match (&others.label, &others.compose_project) {
                (Some(label), _) => Selector::label(label)?,
                (None, Some(project)) => Selector::ComposeProject(project.as_str().into()),
                (None, None) => Selector::All,
            },
        ))
    }

    pub(super) async fn resolve(self, engine: &Engine) -> anyhow::Result<Resolved> {
        let names = match self {
            Self::Started(selector) => return Ok(Resolved::Started(selector)),
            Self::Named(names) => names,
        };
        let mut found: Vec<ContainerFacts> = Vec::new();
        for name in names {
            let facts = engine.look_up(&name).await?;
            if facts.state.pid.is_none() {
                return Err(EngineError::NotRunning {
                    name: facts.name,
                    state: facts.state.status,
                }
                .into());
            }
            if found.iter().all(|known| known.id != facts.id) {
                found.push(facts);
            }
        }
        if found.is_empty() {
            bail!("name at least one container");
        }
        Ok(Resolved::Running(found))
    }
}

impl Resolved {
    pub(super) fn wants(&self, id: &str, labels: &Labels) -> bool {
        match self {
            Self::Started(selector) => selector.matches(labels),
            Self::Running(containers) => containers.iter().any(|container| container.id == id),
        }
    }
}

/// One container, in whatever life.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: Text,
    pub(super) image: Text,
    pub(super) labels: Labels,
    /// `None`: not asked yet, or gone before it could be.
    pub(super) facts: Option<ContainerFacts>,
    /// Of its last life.
    pub(super) exit: Option<i32>,
    pub(super) oom: bool,
}

impl Known {
    pub(super) fn of_event(event: &ContainerEvent) -> Self {
        Self {
            name: event.name.clone(),
            image: event.image.clone(),
            labels: event.labels.clone(),
            facts: None,
            exit: None,
            oom: false,
        }
    }

    pub(super) fn of_facts(facts: ContainerFacts) -> Self {
        Self {
            name: facts.name.clone(),
            image: facts.image.clone(),
            labels: facts.labels.clone(),
            exit: facts.state.exit_code,
            oom: facts.state.oom_killed,
            facts: Some(facts),
        }
    }

    /// What the kernel saw it begin with counts more than what the engine was told.
    pub(super) fn about(
        &self,
        engine: recording::Engine,
        repo_digests: Vec<String>,
        began: Option<BeganWith>,
    ) -> About {
        let service = ComposeService::of(&self.labels).map(|service| Service {
            project: service.project,
            name: service.name,
        });
        let facts = self.facts.as_ref();
        let process = facts.and_then(|facts| facts.process.as_ref());
        let filtered = began.map(|began| began.filtered).or_else(|| {
            let mode = process.and_then(|process| process.seccomp_mode);
            mode.map(|mode| mode == 2)
        });
        let no_new_privileges = began
            .map(|began| began.no_new_privileges)
            .or_else(|| process.map(|process| process.no_new_privileges))
            .or_else(|| facts.map(|facts| facts.confinement.no_new_privileges));
        let capabilities = began
            .map(|began| names::capabilities(began.bounding_set))
            .or_else(|| process.map(|process| process.capabilities.clone()));
        About {
            subject: Subject::Image {
                reference: self.image.clone(),
                id: facts.map_or_else(String::new, |facts| facts.image_id.clone()),
                repo_digests,
                argv: facts.map_or_else(Vec::new, |facts| facts.argv.clone()),
                service,
            },
            engine: Some(engine),
            confinement: recording::Confinement {
                filter: filter(facts, filtered),
                no_new_privileges: no_new_privileges.unwrap_or(false),
                privileged: facts.is_some_and(|facts| facts.confinement.privileged),
                capabilities,
            },
        }
    }
}

fn filter(facts: Option<&ContainerFacts>, filtered: Option<bool>) -> Filter {
    let named = |name: &str, json: Option<&str>| Filter {
        name: name.into(),
        sha256: json.map(sha256),
    };
    if filtered == Some(false) {
        return named(Filter::UNCONFINED, None);
    }
    match facts.map(|facts| &facts.confinement.seccomp) {
        Some(Seccomp::EngineDefault) => named(Filter::ENGINE_DEFAULT, None),
        Some(Seccomp::Own(json)) => named(Filter::OWN, Some(json)),
        Some(Seccomp::Unconfined) if filtered.is_none() => named(Filter::UNCONFINED, None),
        // It says unconfined, and the kernel says otherwise: the subject's own doing.
        Some(Seccomp::Unconfined | Seccomp::Unknown) | None => named(Filter::UNKNOWN, None),
    }
}
