//! What the engine tells of itself and of an image.

use bollard::models::{ImageInspect, SystemInfo, SystemVersion};

use super::error::status;
use super::{Engine, EngineError};
use crate::cli::RunOptions;
use crate::recording;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// `sha256:…`
    pub id: String,
    pub repo_digests: Vec<String>,
    /// Entrypoint and command.
    pub argv: Vec<String>,
    pub has_healthcheck: bool,
    /// Empty for root.
    pub user: String,
    /// `NAME=VALUE`
    pub variables: Vec<String>,
}

impl Engine {
    pub async fn facts(&self) -> Result<recording::Engine, EngineError> {
        let info = self.docker.info().await;
        let info = info.map_err(|error| EngineError::refused("tell of itself", &error))?;
        Ok(engine(&self.version, info))
    }

    /// What it guards every container by, by its own names: `seccomp`, `apparmor`, `selinux`, `userns`,
    /// `rootless`, …
    pub async fn guards(&self) -> Result<Vec<String>, EngineError> {
        let info = self.docker.info().await;
        let info = info.map_err(|error| EngineError::refused("tell of itself", &error))?;
        Ok(guards(&info))
    }

    pub(super) fn is_podman(&self) -> bool {
        podman(&self.version).is_some()
    }

    /// Of an image that is here; it is never pulled.
    pub async fn image(&self, reference: &str) -> Result<ImageFacts, EngineError> {
        if !is_reference(reference) {
            return Err(EngineError::NotAnImage {
                reference: reference.into(),
            });
        }
        match self.docker.inspect_image(reference).await {
            Ok(inspected) => Ok(image(inspected)),
            Err(error) => Err(match status(&error) {
                Some(404) => EngineError::NoSuchImage {
                    reference: reference.into(),
                },
                Some(400) => EngineError::NotAnImage {
                    reference: reference.into(),
                },
                _ => EngineError::refused(format!("inspect {reference}"), &error),
            }),
        }
    }

    /// The same, with something to run in it.
    pub async fn image_to_run(
        &self,
        reference: &str,
        options: &RunOptions,
        arguments: &[String],
    ) -> Result<ImageFacts, EngineError> {
        let image = self.image(reference).await?;
        if !image.has_command(options, arguments) {
            return Err(EngineError::NoCommand {
                image: reference.into(),
            });
        }
        Ok(image)
    }
}

impl ImageFacts {
    /// Whether there is anything to run.
    fn has_command(&self, options: &RunOptions, arguments: &[String]) -> bool {
        let program = options.entrypoint.as_ref();
        !arguments.is_empty()
            || program.map_or(!self.argv.is_empty(), |program| !program.is_empty())
    }
}

/// Nothing that would lead the request's path elsewhere.
fn is_reference(reference: &str) -> bool {
    let starts_well = reference.starts_with(|c: char| c.is_ascii_alphanumeric());
    let goes_on_well = |c: char| c.is_ascii_alphanumeric() || "._-/:@+".contains(c);
    starts_well && reference.chars().all(goes_on_well) && !reference.contains("..")
}

/// Its version, where the engine is Podman.
fn podman(version: &SystemVersion) -> Option<&str> {
    let components = version.components.as_ref()?;
    let found = components
        .iter()
        .find(|found| found.name == "Podman Engine")?;
    Some(&found.version)
}

fn engine(version: &SystemVersion, info: SystemInfo) -> recording::Engine {
    let unknown = || "unknown".to_owned();
    let podman = podman(version);
    let components = version.components.as_deref().unwrap_or_default();
    let component = |name: &str| components.iter().find(|found| found.name == name);
    let runtime = info.default_runtime.unwrap_or_else(unknown);
    // podman names the component after its use: `OCI Runtime (crun)`.
    let runtime_version = component(&runtime)
        .or_else(|| component(&format!("OCI Runtime ({runtime})")))
        .map(|found| version_word(&found.version));
    recording::Engine {
        name: if podman.is_some() { "podman" } else { "docker" }.to_owned(),
        version: podman
            .or(version.version.as_deref())
            .map_or_else(unknown, str::to_owned),
        runtime,
        runtime_version,
        cgroup_driver: info
            .cgroup_driver
            .map_or_else(unknown, |driver| driver.to_string()),
        storage_driver: info.driver.unwrap_or_else(unknown),
    }
}

/// Of `name=seccomp,profile=default`.
fn guards(info: &SystemInfo) -> Vec<String> {
    let told = info.security_options.iter().flatten();
    told.filter_map(|option| {
        let (name, _) = option.split_once(',').unwrap_or((option, ""));
        Some(name.strip_prefix("name=")?.to_owned())
    })
    .collect()
}

/// podman hands over all that `runc --version` prints: `runc version 1.1.5+ds1` in its first line.
fn version_word(version: &str) -> String {
    let line = version.lines().next().unwrap_or_default();
    let word = line.split_whitespace().next_back();
    word.unwrap_or_default().to_owned()
}

fn image(inspected: ImageInspect) -> ImageFacts {
    let config = inspected.config.unwrap_or_default();
    let mut argv = config.entrypoint.unwrap_or_default();
    argv.extend(config.cmd.unwrap_or_default());
    let test = config.healthcheck.and_then(|check| check.test);
    let has_healthcheck = test
        .and_then(|test| test.into_iter().next())
        .is_some_and(|kind| kind != "NONE");
    let id = inspected.id.unwrap_or_default();
    ImageFacts {
        // podman leaves the algorithm out.
        id: if id.contains(':') {
            id
        } else {
            format!("sha256:{id}")
        },
        repo_digests: inspected.repo_digests.unwrap_or_default(),
        argv,
        has_healthcheck,
        user: config.user.unwrap_or_default(),
        variables: config.env.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::{RunOptions, engine, guards, image, is_reference};

    fn from<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> T {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn docker_as_it_tells_of_itself() {
        let told = engine(
            &from(serde_json::json!({
                "Version": "20.10.24+dfsg1",
                "Components": [
                    {"Name": "Engine", "Version": "20.10.24+dfsg1"},
                    {"Name": "runc", "Version": "1.1.5+ds1"},
                ],
            })),
            from(serde_json::json!({
                "DefaultRuntime": "runc", "CgroupDriver": "cgroupfs", "Driver": "fuse-overlayfs",
            })),
        );
        assert_eq!(
            (told.name.as_str(), told.version.as_str()),
            ("docker", "20.10.24+dfsg1")
        );
        assert_eq!(told.runtime_version.as_deref(), Some("1.1.5+ds1"));
        assert_eq!(told.cgroup_driver, "cgroupfs");
        assert_eq!(told.storage_driver, "fuse-overlayfs");
    }

    #[test]
    fn guards_have_the_engines_names() {
        let info = serde_json::json!({"SecurityOptions":
            ["name=seccomp,profile=default", "name=userns", "cgroupns"]});
        assert_eq!(guards(&from(info)), ["seccomp", "userns"]);
        assert!(guards(&from(serde_json::json!({}))).is_empty());
    }

    #[test]
    fn podman_is_told_by_its_components() {
        let told = engine(
            &from(serde_json::json!({
                "Version": "4.3.1",
                "Components": [
                    {"Name": "Podman Engine", "Version": "4.3.1"},
                    {"Name": "OCI Runtime (crun)", "Version": "crun version 1.8.1\ncommit: x"},
                ],
            })),
            from(serde_json::json!({"DefaultRuntime": "crun", "CgroupDriver": "systemd"})),
        );
        assert_eq!(
            (told.name.as_str(), told.runtime.as_str()),
            ("podman", "crun")
        );
        assert_eq!(told.runtime_version.as_deref(), Some("1.8.1"));
        assert_eq!(told.storage_driver, "unknown");
    }

    #[test]
    fn an_image_may_say_little() {
        let facts = image(from(
            serde_json::json!({"Id": "sha256:ab", "Config": {"Cmd": null}}),
        ));
        assert_eq!(facts.id, "sha256:ab");
        assert!(facts.argv.is_empty() && !facts.has_healthcheck);
        assert!(!facts.has_command(&RunOptions::default(), &[]));
        let facts = image(from(serde_json::json!({
            "Id": "ab",
            "Config": {"Entrypoint": ["/e"], "Cmd": ["c"], "Healthcheck": {"Test": ["CMD", "x"]}},
        })));
        assert_eq!(facts.id, "sha256:ab");
        assert_eq!(facts.argv, ["/e", "c"]);
        let entrypoint = |program: &str| RunOptions {
            entrypoint: Some(program.into()),
            ..RunOptions::default()
        };
        assert!(facts.has_command(&RunOptions::default(), &[]));
        // It takes the image's own with it.
        assert!(!facts.has_command(&entrypoint(""), &[]));
        assert!(facts.has_command(&entrypoint(""), &["ls".into()]));
        assert!(facts.has_healthcheck);
        let facts = image(from(serde_json::json!({
            "Id": "ab", "Config": {"Healthcheck": {"Test": ["NONE"]}},
        })));
        assert!(!facts.has_healthcheck);
    }

    #[test]
    fn a_reference_leads_nowhere_else() {
        for good in [
            "nginx",
            "localhost:5000/a/b:1.2_3-x",
            "a@sha256:00ff",
            "0f3e",
        ] {
            assert!(is_reference(good), "{good}");
        }
        for bad in ["", "/etc", "a/../b", "a?x=y", "a b", "--help", "ä", "a#b"] {
            assert!(!is_reference(bad), "{bad}");
        }
    }
}
