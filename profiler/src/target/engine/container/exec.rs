//! `docker exec`

use std::time::Duration;

use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;

use super::super::follow::copy;
use super::super::{EngineError, StartFailure};
use super::Container;
use crate::terminal::{Sink, Stream};

const POLL: Duration = Duration::from_millis(20);

impl Container {
    /// Runs a program in the container; what it prints goes to our standard error. Its exit code;
    /// where it cannot start 126 or 127, as the engine has it (docker 20.10 says 126 for both).
    pub async fn exec(&self, argv: &[String]) -> Result<i32, EngineError> {
        let refused = |error| self.refused("run a program in", &error);
        let config = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(argv.to_vec()),
            ..ExecConfig::default()
        };
        let created = self.docker().create_exec(&self.name, config).await;
        let exec = created.map_err(refused)?.id;
        match self
            .docker()
            .start_exec(&exec, None::<StartExecOptions>)
            .await
        {
            Ok(StartExecResults::Attached { output, .. }) => {
                copy(output, Sink::new(Stream::Stderr)).await;
            }
            Ok(StartExecResults::Detached) => {}
            Err(error) => {
                let failure = StartFailure::of(&super::describe(&error).to_string());
                return match failure {
                    StartFailure::NotFound | StartFailure::NotExecutable => {
                        Ok(failure.exit_code().into())
                    }
                    StartFailure::Stopped | StartFailure::PortInUse | StartFailure::Other => {
                        Err(refused(error))
                    }
                };
            }
        }
        // Its output can end before it does.
        loop {
            let state = self.docker().inspect_exec(&exec).await.map_err(refused)?;
            match state.exit_code.and_then(|code| i32::try_from(code).ok()) {
                Some(code) if state.running != Some(true) => return Ok(code),
                _ => tokio::time::sleep(POLL).await,
            }
        }
    }
}
