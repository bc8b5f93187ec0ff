//! No container stays behind: not after success, an error, a panic, or a future that was dropped.

use std::time::{Duration, Instant};

use bollard::errors::Error as ApiError;
use bollard::query_parameters::RemoveContainerOptionsBuilder;

use super::super::apart;
use super::super::error::{describe, status};
use super::{Container, ContainerSpec, Engine, EngineError};

/// How long the engine may refuse to remove: a mount that is still busy, a removal of somebody
/// else's under way.
const REFUSALS: Duration = Duration::from_secs(20);
/// How long a container may still come to be after its request was given up.
const BIRTH: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(200);

impl Container {
    /// With its anonymous volumes; killed where it still runs. The rest of its log is written when
    /// this returns.
    pub async fn remove(mut self) -> Result<(), EngineError> {
        let outcome = self.force_remove().await;
        // One attempt is enough; whoever is told of the error knows what to do.
        self.removed = true;
        if outcome.is_ok() {
            self.finish_log().await;
        }
        outcome
    }

    async fn force_remove(&self) -> Result<(), EngineError> {
        let begun = Instant::now();
        loop {
            let options = RemoveContainerOptionsBuilder::default()
                .force(true)
                .v(true)
                .build();
            let refused = self
                .docker()
                .remove_container(&self.name, Some(options))
                .await;
            match refused {
                Err(error) if status(&error) == Some(404) => {
                    // Known, and not there: gone. Unknown, and not there: perhaps not yet.
                    if !self.id.is_empty() || begun.elapsed() > BIRTH {
                        return Ok(());
                    }
                }
                // A removal under way answers 409, and the container may outlive the answer.
                Err(error) if begun.elapsed() < REFUSALS && may_pass(&error) => {}
                Err(error) => {
                    return Err(EngineError::NotRemoved {
                        container: self.name.clone(),
                        message: describe(&error),
                    });
                }
                Ok(()) => return Ok(()),
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

fn may_pass(error: &ApiError) -> bool {
    matches!(status(error), Some(409 | 500))
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.removed {
            apart::remove(&format!("container {}", self.name), self.force_remove());
        }
    }
}

/// Makes a container, hands it to `work`, and removes it, whatever comes of that. Where both fail,
/// the work's error is told and the removal's logged.
///
/// `work` heeds interruptions itself ([`Interrupts::unless`](super::super::Interrupts::unless)): what
/// it has to do at the end, an ordinary stop for one, only it knows.
pub async fn with_container<T, E>(
    engine: &Engine,
    spec: &ContainerSpec<'_>,
    work: impl AsyncFnOnce(&Container) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<EngineError>,
{
    let container = Container::create(engine, spec).await?;
    // A panic in here unwinds through the container's drop.
    let outcome = work(&container).await;
    let removed = container.remove().await;
    match (outcome, removed) {
        (Ok(value), Ok(())) => Ok(value),
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(removal)) => {
            log::error!("{removal}");
            Err(error)
        }
    }
}
