//! Until a container is ready, and until it ends.

use std::time::Duration;

use bollard::models::{ContainerState, Health, HealthStatusEnum};
use bollard::query_parameters::WaitContainerOptions;
use futures_util::StreamExt as _;

use super::super::{EngineError, Exit};
use super::Container;
use crate::recording::Text;

/// How long a container without a health check must stay up to count as started.
const SETTLE: Duration = Duration::from_secs(1);
/// Asked of the engine, not of the container: it costs the recorded workload nothing.
const POLL: Duration = Duration::from_millis(100);
/// A wait has no end of its own; this is a hundred years.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

impl Container {
    /// Waits until its health check passes; one without a health check is ready once it runs.
    /// Ended or unhealthy is an error.
    pub async fn ready(&self) -> Result<(), EngineError> {
        loop {
            let state = self.inspect().await?.state.unwrap_or_default();
            if state.running != Some(true) {
                self.finish_log().await;
                return Err(EngineError::EndedEarly {
                    container: self.name.clone(),
                    exit: exit(state),
                });
            }
            let health = state.health.unwrap_or_default();
            match health.status {
                None
                | Some(
                    HealthStatusEnum::EMPTY | HealthStatusEnum::NONE | HealthStatusEnum::HEALTHY,
                ) => return Ok(()),
                Some(HealthStatusEnum::UNHEALTHY) => {
                    return Err(EngineError::Unhealthy {
                        container: self.name.clone(),
                        log: last_check(&health),
                    });
                }
                Some(HealthStatusEnum::STARTING) => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Whether it ended within a second. Running says little of a container without a health
    /// check: it may be on its way to fall over.
    pub async fn ended_soon(&self) -> Result<Option<Exit>, EngineError> {
        match tokio::time::timeout(SETTLE, self.wait_exit()).await {
            Ok(exit) => exit.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Waits until a started container ends; its log is written when this returns. May be given
    /// up and called again.
    pub async fn wait_exit(&self) -> Result<Exit, EngineError> {
        use bollard::errors::Error::DockerContainerWaitError;
        let docker = self.docker().clone().with_timeout(FOREVER);
        let mut waiting = Box::pin(docker.wait_container(&self.name, None::<WaitContainerOptions>));
        match waiting.next().await {
            // Every code but 0 is an error to the client.
            Some(Ok(_) | Err(DockerContainerWaitError { .. })) => {}
            Some(Err(error)) => return Err(self.refused("wait for", &error)),
            None => {
                return Err(EngineError::Refused {
                    action: format!("wait for the container {}", self.name),
                    message: "it hung up".into(),
                });
            }
        }
        self.finish_log().await;
        Ok(exit(self.inspect().await?.state.unwrap_or_default()))
    }
}

fn exit(state: ContainerState) -> Exit {
    Exit {
        exit_code: state
            .exit_code
            .and_then(|code| i32::try_from(code).ok())
            .unwrap_or(255),
        oom_killed: state.oom_killed.unwrap_or(false),
        error: state
            .error
            .filter(|error| !error.is_empty())
            .map(Text::from),
    }
}

fn last_check(health: &Health) -> Text {
    let log = health.log.as_deref().unwrap_or_default();
    let Some(last) = log.last() else {
        return "no check has run".into();
    };
    let output = last.output.as_deref().unwrap_or_default().trim();
    let said = if output.is_empty() { "nothing" } else { output };
    let code = last.exit_code.unwrap_or(-1);
    format!("its check exits with {code} and says {said}").into()
}

#[cfg(test)]
mod tests {
    use super::last_check;

    #[test]
    fn the_last_check_is_told() {
        let of = |json| last_check(&serde_json::from_value(json).unwrap()).to_string();
        assert_eq!(
            of(serde_json::json!({"Log": [
                {"ExitCode": 0, "Output": "fine"}, {"ExitCode": 1, "Output": "refused\n"},
            ]})),
            "its check exits with 1 and says refused"
        );
        assert_eq!(
            of(serde_json::json!({"Log": [{"ExitCode": 1, "Output": ""}]})),
            "its check exits with 1 and says nothing"
        );
        assert_eq!(of(serde_json::json!({"Log": null})), "no check has run");
    }
}
