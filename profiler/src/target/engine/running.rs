//! Containers of others: who they are, what they run, what confines them.
//!
//! Only asks; what it tells is as of the answer, and a container may be gone by the next line.

use bollard::models::{ContainerInspectResponse, HealthConfig};
use bollard::query_parameters::InspectContainerOptions;

use super::confinement::{Confinement, Defaults, ProcessFacts};
use super::error::status;
use super::labels::{self, Labels};
use super::list::{digest, nearest, own_name};
use super::states::in_dockers_words;
use super::{Engine, EngineError};
use crate::recording::Text;
use crate::target::cgroup::{ExistingCgroup, Hierarchies};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerFacts {
    /// 64 hexadecimal digits.
    pub id: String,
    pub name: Text,
    /// As it was named when the container was made.
    pub image: Text,
    /// `sha256:…`
    pub image_id: String,
    /// Entrypoint and command as they run.
    pub argv: Vec<Text>,
    pub labels: Labels,
    pub state: ContainerState,
    pub restart_count: u64,
    /// The health check's command line, as it is run in the container.
    pub health_check: Option<Vec<Text>>,
    /// Where it names one of its own.
    pub cgroup_parent: Option<Text>,
    pub confinement: Confinement,
    /// `None` where it does not run, or where its process is not to be seen from here.
    pub process: Option<ProcessFacts>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerState {
    /// As the engine has it: `created`, `running`, `paused`, `restarting`, `exited`, …
    pub status: String,
    /// Process 1, as the engine's host counts it; `None` where it does not run.
    pub pid: Option<i32>,
    /// RFC 3339; `None` where it never ran.
    pub started_at: Option<String>,
    /// 128 + N where signal N ended it; `None` while it runs and before it did.
    pub exit_code: Option<i32>,
    pub oom_killed: bool,
}

impl Engine {
    /// By name, id or the beginning of one; in any state.
    pub async fn look_up(&self, name: &str) -> Result<ContainerFacts, EngineError> {
        if !is_name(name) {
            return Err(EngineError::NotAContainer { name: name.into() });
        }
        let inspected = self
            .docker
            .inspect_container(name, None::<InspectContainerOptions>)
            .await;
        let inspected = match in_dockers_words(inspected) {
            Ok(inspected) => inspected,
            Err(error) if status(&error) == Some(404) => {
                return Err(EngineError::NoSuchContainer {
                    name: name.into(),
                    nearest: nearest(name, &self.containers().await?),
                });
            }
            Err(error) => {
                return Err(EngineError::refused(
                    format!("inspect the container {name}"),
                    &error,
                ));
            }
        };
        let info = self.docker.info().await;
        let info = info.map_err(|error| EngineError::refused("tell of itself", &error))?;
        let defaults = Defaults::parse(&info.security_options.unwrap_or_default());
        Ok(facts(inspected, defaults, ProcessFacts::read))
    }
}

impl ContainerFacts {
    /// The cgroup that was made for it. That its process is not to be found in a container that
    /// runs is told as its end.
    pub fn cgroup(&self, hierarchies: &Hierarchies) -> Result<ExistingCgroup, EngineError> {
        let pid = self.state.pid.ok_or_else(|| EngineError::NotRunning {
            name: self.name.clone(),
            state: self.state.status.clone(),
        })?;
        ExistingCgroup::of_container(hierarchies, &self.id, pid)?.ok_or_else(|| {
            EngineError::Vanished {
                name: self.name.clone(),
            }
        })
    }
}

/// Nothing that would lead the request's path elsewhere.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

fn facts(
    inspected: ContainerInspectResponse,
    defaults: Defaults,
    read_process: impl FnOnce(i32, &str) -> Option<ProcessFacts>,
) -> ContainerFacts {
    let id = inspected.id.unwrap_or_default();
    let config = inspected.config.unwrap_or_default();
    let host = inspected.host_config.unwrap_or_default();
    let state = state(inspected.state.unwrap_or_default());
    let process = state.pid.and_then(|pid| read_process(pid, &id));
    let argv = inspected.path.into_iter();
    ContainerFacts {
        name: own_name(&inspected.name.unwrap_or_default()).into(),
        image: config.image.unwrap_or_default().into(),
        image_id: digest(inspected.image.unwrap_or_default()),
        argv: argv
            .chain(inspected.args.unwrap_or_default())
            .map(Text::from)
            .collect(),
        labels: labels::labels(config.labels.unwrap_or_default()),
        restart_count: inspected
            .restart_count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0),
        health_check: config
            .healthcheck
            .and_then(|check| health_check(check, config.shell)),
        cgroup_parent: host
            .cgroup_parent
            .as_deref()
            .filter(|parent| !parent.is_empty())
            .map(Text::from),
        confinement: Confinement::of(&host, defaults, process.as_ref()),
        id,
        state,
        process,
    }
}

fn state(found: bollard::models::ContainerState) -> ContainerState {
    // Between two attempts a restarting container counts as running, and has no process.
    let pid = found
        .pid
        .filter(|_| found.running == Some(true))
        .and_then(|pid| i32::try_from(pid).ok())
        .filter(|&pid| pid > 0);
    // Go's zero time stands for never.
    let started_at = found
        .started_at
        .filter(|at| !at.is_empty() && !at.starts_with("0001-"));
    let exit_code = found.exit_code.and_then(|code| i32::try_from(code).ok());
    ContainerState {
        status: found.status.map_or_else(
            || "in an unknown state".to_owned(),
            |status| status.to_string(),
        ),
        exit_code: exit_code.filter(|_| pid.is_none() && started_at.is_some()),
        oom_killed: found.oom_killed == Some(true),
        pid,
        started_at,
    }
}

/// As `cmdProbe.run` and `getShell` in
/// <https://github.com/moby/moby/blob/v20.10.24/daemon/health.go>.
fn health_check(check: HealthConfig, shell: Option<Vec<String>>) -> Option<Vec<Text>> {
    let mut test = check.test?.into_iter();
    let argv: Vec<String> = match test.next()?.as_str() {
        "CMD" => test.collect(),
        "CMD-SHELL" => shell
            .filter(|shell| !shell.is_empty())
            .unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()])
            .into_iter()
            .chain(test)
            .collect(),
        _ => return None,
    };
    (!argv.is_empty()).then(|| argv.into_iter().map(Text::from).collect())
}

#[cfg(test)]
mod tests {
    use super::super::confinement::{Defaults, Seccomp};
    use super::{ContainerFacts, Text, facts, is_name};
    use serde_json::json;

    fn of(inspected: serde_json::Value) -> ContainerFacts {
        let defaults = Defaults {
            seccomp: Seccomp::EngineDefault,
            no_new_privileges: false,
        };
        facts(
            serde_json::from_value(inspected).unwrap(),
            defaults,
            |_, _| None,
        )
    }

    fn health(config: &serde_json::Value) -> Option<Vec<String>> {
        let argv = of(json!({"Config": config})).health_check?;
        Some(argv.iter().map(Text::to_string).collect())
    }

    #[test]
    fn a_container_tells_who_it_is() {
        let told = of(json!({
            "Id": "ab", "Name": "/web", "Image": "sha256:cd", "Path": "/entry", "Args": ["a b", "\u{1b}"],
            "RestartCount": 2,
            "State": {
                "Status": "running", "Running": true, "Pid": 7, "ExitCode": 0,
                "StartedAt": "2026-01-01T00:00:00.5Z",
            },
            "Config": {"Image": "nginx", "Labels": {"k": "v\n"}},
            "HostConfig": {"CgroupParent": "/ci", "Privileged": true},
        }));
        assert_eq!(
            (told.name, told.image, told.image_id.as_str()),
            ("web".into(), "nginx".into(), "sha256:cd")
        );
        assert_eq!(told.argv, ["/entry", "a b", "\u{1b}"].map(Text::from));
        assert_eq!(told.labels[&"k".into()], "v\n".into());
        assert_eq!((told.state.pid, told.state.exit_code), (Some(7), None));
        assert_eq!(
            told.state.started_at.as_deref(),
            Some("2026-01-01T00:00:00.5Z")
        );
        assert_eq!(
            (told.restart_count, told.cgroup_parent),
            (2, Some("/ci".into()))
        );
        assert_eq!(told.confinement.seccomp, Seccomp::Unconfined);
        assert_eq!((told.health_check, told.process), (None, None));
    }

    #[test]
    fn one_that_does_not_run_has_no_process() {
        for (state, exit_code) in [
            (
                json!({"Status": "restarting", "Running": true, "Pid": 0, "ExitCode": 1, "StartedAt": "2026"}),
                Some(1),
            ),
            (
                json!({"Status": "exited", "Running": false, "Pid": 0, "ExitCode": 137, "StartedAt": "2026"}),
                Some(137),
            ),
            (
                json!({"Status": "created", "ExitCode": 0, "StartedAt": "0001-01-01T00:00:00Z"}),
                None,
            ),
        ] {
            let status = state["Status"].as_str().unwrap().to_owned();
            let found = of(json!({"State": state, "Name": "/x"}));
            assert_eq!((found.state.pid, found.state.exit_code), (None, exit_code));
            assert_eq!(found.state.status, status);
        }
        let empty = of(json!({}));
        assert!(empty.argv.is_empty() && empty.labels.is_empty());
    }

    #[test]
    fn a_health_check_is_the_command_line_that_is_run() {
        for (config, argv) in [
            (
                json!({"Healthcheck": {"Test": ["CMD", "curl", "-f x"]}}),
                Some(vec!["curl", "-f x"]),
            ),
            (
                json!({"Healthcheck": {"Test": ["CMD-SHELL", "a && b"]}}),
                Some(vec!["/bin/sh", "-c", "a && b"]),
            ),
            (
                json!({"Healthcheck": {"Test": ["CMD-SHELL", "a"]}, "Shell": ["/bin/bash", "-ec"]}),
                Some(vec!["/bin/bash", "-ec", "a"]),
            ),
            (json!({"Healthcheck": {"Test": ["NONE"]}}), None),
            (json!({"Healthcheck": {"Test": ["CMD"]}}), None),
            (json!({"Healthcheck": {"Test": []}}), None),
            (json!({"Healthcheck": {}}), None),
            (json!({}), None),
        ] {
            let argv = argv.map(|argv| argv.into_iter().map(str::to_owned).collect());
            assert_eq!(health(&config), argv, "{config}");
        }
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for good in ["web", "a_b.c-1", "0f3e"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a/b", "a?b", "..", "a b", "ä"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
