//! How a seccomp profile gets to the engine: each takes `seccomp=` over its API as another thing.

use std::io::Write as _;

use tempfile::NamedTempFile;

use super::{Engine, EngineError};

/// Needed until the engine has made the container.
pub(super) enum Handover<'a> {
    /// Docker takes the profile itself: its command reads the file (`parseSecurityOpts` in
    /// <https://github.com/docker/cli/blob/v28.2.2/cli/command/container/opts.go>).
    Text(&'a str),
    /// Podman takes a path in the file system of its service, and reads it when it makes the
    /// container (`getSeccompConfig` in
    /// <https://github.com/containers/podman/blob/v4.3.1/pkg/specgen/generate/config_linux_seccomp.go>).
    File(NamedTempFile),
}

impl<'a> Handover<'a> {
    pub(super) fn to(engine: &Engine, profile: &'a str) -> Result<Self, EngineError> {
        if !engine.is_podman() {
            return Ok(Self::Text(profile));
        }
        let write = || {
            let mut file = tempfile::Builder::new().prefix("profiler-").tempfile()?;
            file.write_all(profile.as_bytes())?;
            Ok(Self::File(file))
        };
        write().map_err(|source| EngineError::Handover { source })
    }

    /// What the engine takes.
    pub(super) fn argument(&self) -> String {
        match self {
            Self::Text(profile) => (*profile).to_owned(),
            Self::File(file) => file.path().display().to_string(),
        }
    }
}
