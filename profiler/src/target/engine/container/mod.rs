//! One container, from its making to its removal.

mod changes;
mod exec;
mod guard;
mod wait;

use std::time::Duration;

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions,
    StartContainerOptions, StopContainerOptions,
};
use tokio::io::AsyncWrite;
use tokio::sync::Mutex;

pub use changes::{Change, ChangeKind};
pub use guard::with_container;

use super::error::{describe, status};
use super::follow::Follower;
use super::handover::Handover;
use super::options::Here;
use super::states::in_dockers_words;
use super::{ContainerFacts, ContainerSpec, Engine, EngineError, PATIENCE, StartFailure};
use crate::terminal::{Sink, Stream};

/// What the engine gives a container that names no stop timeout.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Removed on drop, if it was not before.
#[derive(Debug)]
pub struct Container {
    engine: Engine,
    name: String,
    /// Empty until the engine has said it.
    id: String,
    stop_timeout: Option<i64>,
    log: Mutex<Option<Follower>>,
    removed: bool,
}

impl Container {
    /// Made, not started.
    pub async fn create(engine: &Engine, spec: &ContainerSpec<'_>) -> Result<Self, EngineError> {
        let profile = spec.seccomp;
        let profile = profile.map(|profile| Handover::to(engine, profile));
        let profile = profile.transpose()?;
        let body = spec.body(&Here, profile.as_ref().map(Handover::argument).as_deref())?;
        // Before the request: where we are stopped in the middle of it, drop removes what comes.
        let mut container = Self {
            engine: engine.clone(),
            name: spec.name.to_owned(),
            id: String::new(),
            stop_timeout: spec.options.stop_timeout,
            log: Mutex::new(None),
            removed: false,
        };
        let options = CreateContainerOptionsBuilder::default()
            .name(spec.name)
            .build();
        match engine.docker.create_container(Some(options), body).await {
            Ok(created) => {
                for warning in created.warnings {
                    log::warn!("{}", crate::recording::Text::from(warning));
                }
                container.id = created.id;
                Ok(container)
            }
            Err(error) => {
                // Refused: there is nothing to remove, and one of that name is another's.
                container.removed = status(&error).is_some();
                Err(match status(&error) {
                    // Nothing else that is named here can be missing.
                    Some(404) => EngineError::NoSuchImage {
                        reference: spec.image.into(),
                    },
                    _ => EngineError::Create {
                        image: spec.image.into(),
                        message: describe(&error),
                    },
                })
            }
        }
    }

    /// Its log goes to our standard error as it comes.
    pub async fn start(&self) -> Result<(), EngineError> {
        self.start_with_log(Sink::new(Stream::Stderr)).await
    }

    /// Its log, standard output and error both, goes to `sink` as it comes, raw.
    pub async fn start_with_log<W>(&self, sink: W) -> Result<(), EngineError>
    where
        W: AsyncWrite + Send + Unpin + 'static,
    {
        // Attached to before the start, as `docker run` does, nothing is missed, whatever the
        // engine's log driver.
        let options = AttachContainerOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .stream(true)
            .build();
        let attached = self
            .docker()
            .attach_container(&self.name, Some(options))
            .await
            .map_err(|error| self.refused("follow the log of", &error))?;
        let follower = Follower::follow(attached.output, sink);
        self.start_without_log().await?;
        *self.log.lock().await = Some(follower);
        Ok(())
    }

    /// Nobody hears what it says.
    pub async fn start_without_log(&self) -> Result<(), EngineError> {
        let started = self
            .docker()
            .start_container(&self.name, None::<StartContainerOptions>)
            .await;
        started.map_err(|error| {
            let message = describe(&error);
            EngineError::Start {
                container: self.name.clone(),
                failure: StartFailure::of(&message.to_string()),
                message,
            }
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its process 1, as the engine's host counts it; `None` where it does not run.
    pub async fn pid(&self) -> Result<Option<i32>, EngineError> {
        let pid = self.inspect().await?.state.and_then(|state| state.pid);
        Ok(pid
            .and_then(|pid| i32::try_from(pid).ok())
            .filter(|&pid| pid > 0))
    }

    /// What became of the options that it was made with, and of its image's.
    pub async fn facts(&self) -> Result<ContainerFacts, EngineError> {
        // Its answers are large, and would lie in every future that waits for it.
        Box::pin(self.engine.look_up(&self.id)).await
    }

    /// What a test finds in its environment. PROFILER_IP is left out where the container has no
    /// address that the host could reach.
    pub async fn environment(&self) -> Result<Vec<(&'static str, String)>, EngineError> {
        let mut environment = vec![
            ("PROFILER_CONTAINER", self.name.clone()),
            ("PROFILER_CONTAINER_ID", self.id.clone()),
        ];
        environment.extend(address(self.inspect().await?).map(|ip| ("PROFILER_IP", ip)));
        Ok(environment)
    }

    pub async fn pause(&self) -> Result<(), EngineError> {
        let paused = self.docker().pause_container(&self.name).await;
        paused.map_err(|error| self.refused("pause", &error))
    }

    pub async fn unpause(&self) -> Result<(), EngineError> {
        let unpaused = self.docker().unpause_container(&self.name).await;
        unpaused.map_err(|error| self.refused("unpause", &error))
    }

    /// The ordinary way: its stop signal, its timeout, then SIGKILL; its log is written when this
    /// returns. One that has ended already is no error.
    pub async fn stop(&self) -> Result<(), EngineError> {
        let grace = match self.stop_timeout {
            None => STOP_TIMEOUT,
            Some(seconds) => u64::try_from(seconds).map_or(Duration::MAX, Duration::from_secs),
        };
        let docker = self.docker().clone();
        docker
            .with_timeout(grace.saturating_add(PATIENCE))
            .stop_container(&self.name, None::<StopContainerOptions>)
            .await
            .map_err(|error| self.refused("stop", &error))?;
        self.finish_log().await;
        Ok(())
    }

    async fn finish_log(&self) {
        if let Some(mut follower) = self.log.lock().await.take() {
            follower.finish().await;
        }
    }

    async fn inspect(&self) -> Result<ContainerInspectResponse, EngineError> {
        let inspected = self
            .docker()
            .inspect_container(&self.name, None::<InspectContainerOptions>)
            .await;
        in_dockers_words(inspected).map_err(|error| self.refused("inspect", &error))
    }

    fn docker(&self) -> &bollard::Docker {
        &self.engine.docker
    }

    fn refused(&self, action: &str, error: &bollard::errors::Error) -> EngineError {
        EngineError::refused(format!("{action} the container {}", self.name), error)
    }
}

/// Of the first network, by name, that gives one; our own for the host's network.
fn address(found: ContainerInspectResponse) -> Option<String> {
    let mode = found.host_config.and_then(|host| host.network_mode);
    if mode.as_deref() == Some("host") {
        return Some("127.0.0.1".to_owned());
    }
    let networks = found.network_settings?.networks?;
    let mut networks: Vec<_> = networks.into_iter().collect();
    networks.sort_by(|(one, _), (other, _)| one.cmp(other));
    networks.into_iter().find_map(|(_, network)| {
        [network.ip_address, network.global_ipv6_address]
            .into_iter()
            .flatten()
            .find(|ip| !ip.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::address;

    fn of(json: serde_json::Value) -> Option<String> {
        address(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn the_address_is_one_that_the_host_reaches() {
        let networks = |networks: serde_json::Value| {
            of(serde_json::json!({"NetworkSettings": {"Networks": networks}}))
        };
        assert_eq!(
            networks(serde_json::json!({
                "b": {"IPAddress": "10.0.0.2"}, "a": {"IPAddress": ""}, "c": {"IPAddress": "10.0.0.3"},
            })),
            Some("10.0.0.2".into())
        );
        assert_eq!(
            networks(serde_json::json!({"six": {"GlobalIPv6Address": "fd00::2"}})),
            Some("fd00::2".into())
        );
        assert_eq!(
            networks(serde_json::json!({"none": {"IPAddress": ""}})),
            None
        );
        assert_eq!(
            of(serde_json::json!({"HostConfig": {"NetworkMode": "host"}})),
            Some("127.0.0.1".into())
        );
    }
}
