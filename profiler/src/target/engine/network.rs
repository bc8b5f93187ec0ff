//! A network of our own, for as long as it is needed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::models::NetworkCreateRequest;

use super::error::status;
use super::spec::LABEL;
use super::{Engine, EngineError, apart};

/// How long the engine may refuse to remove it: a container that is gone may still be taken off it.
const REFUSALS: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(200);

/// Removed on drop, if it was not before.
#[derive(Debug)]
pub struct OwnNetwork {
    engine: Engine,
    name: String,
    removed: bool,
}

impl OwnNetwork {
    /// The engine lets nothing out of it and nothing in; it and the host reach one another.
    /// `name` is one of its own on the whole machine; `session`:
    /// [`Session::id`](crate::target::Session::id).
    pub async fn internal(
        engine: &Engine,
        name: String,
        session: &str,
    ) -> Result<Self, EngineError> {
        let request = NetworkCreateRequest {
            name: name.clone(),
            internal: Some(true),
            labels: Some(HashMap::from([(LABEL.to_owned(), session.to_owned())])),
            ..NetworkCreateRequest::default()
        };
        // Before the request: where we are stopped in the middle of it, drop removes what comes.
        let mut network = Self {
            engine: engine.clone(),
            name,
            removed: false,
        };
        match engine.docker.create_network(request).await {
            Ok(_) => Ok(network),
            Err(error) => {
                // Refused: there is nothing to remove.
                network.removed = status(&error).is_some();
                Err(EngineError::refused("make an internal network", &error))
            }
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What drop does, with the error.
    pub async fn remove(mut self) -> Result<(), EngineError> {
        self.removed = true;
        self.force_remove().await
    }

    async fn force_remove(&self) -> Result<(), EngineError> {
        let begun = Instant::now();
        loop {
            match self.engine.docker.remove_network(&self.name).await {
                Err(error) if status(&error) == Some(404) => return Ok(()),
                Err(_) if begun.elapsed() < REFUSALS => tokio::time::sleep(RETRY).await,
                Err(error) => {
                    let action = format!("remove the network {}", self.name);
                    return Err(EngineError::refused(action, &error));
                }
                Ok(()) => return Ok(()),
            }
        }
    }
}

impl Drop for OwnNetwork {
    fn drop(&mut self) {
        if !self.removed {
            apart::remove(&format!("network {}", self.name), self.force_remove());
        }
    }
}
