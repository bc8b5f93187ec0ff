//! Containers, through the engine's API: our own are started, followed, stopped, and always
//! removed, and so are images and networks; those of others are looked up and heard of, and left alone.
//!
//! Refuses to pull images (what is recorded is what is here), and to leave anything behind.

mod apart;
mod configuration;
mod confinement;
mod container;
mod error;
mod events;
mod facts;
mod follow;
mod handover;
mod image;
mod labels;
mod list;
mod network;
pub mod options;
mod running;
mod spec;
mod states;

pub use super::{Interrupt, InterruptSender, Interrupts, TestOutcome, run_test};
pub use configuration::configured_cgroup_parent;
pub use confinement::{Confinement, ProcessFacts, Seccomp};
pub use container::{Change, ChangeKind, Container, with_container};
pub use error::{EngineError, Exit, StartFailure};
pub use events::{Action, ContainerEvent, EngineEvent, EventStream, Exec};
pub use facts::ImageFacts;
pub use image::OwnImage;
pub use labels::{ComposeService, Labels, NoLabel, Selector};
pub use list::ListedContainer;
pub use network::OwnNetwork;
pub use running::{ContainerFacts, ContainerState};
pub use spec::ContainerSpec;

use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::models::SystemVersion;

use error::describe;

/// What bollard connects to where DOCKER_HOST says nothing.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
/// For the first answer: an engine that is up answers at once.
const HELLO: Duration = Duration::from_secs(10);
/// For every later one. Starting a container on a loaded machine takes its time.
const PATIENCE: Duration = Duration::from_mins(5);

/// A connection to the engine; clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    /// As it said when we connected.
    version: Arc<SystemVersion>,
}

impl Engine {
    /// To the engine at DOCKER_HOST, or else the local docker's socket.
    pub async fn connect() -> Result<Self, EngineError> {
        let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| DEFAULT_HOST.to_owned());
        Self::connect_to(&host).await
    }

    /// `host` as in DOCKER_HOST: `unix://…`, `tcp://…`
    pub async fn connect_to(host: &str) -> Result<Self, EngineError> {
        let unreachable = |error: bollard::errors::Error| EngineError::Unreachable {
            host: host.to_owned(),
            reason: describe(&error),
        };
        let docker = Docker::connect_with_host(host)
            .map_err(unreachable)?
            .with_timeout(HELLO)
            .negotiate_version()
            .await
            .map_err(unreachable)?;
        let version = docker.version().await.map_err(unreachable)?;
        Ok(Self {
            docker: docker.with_timeout(PATIENCE),
            version: Arc::new(version),
        })
    }
}
