//! A container's file system, as its first process sees it.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::target::engine::{Container, EngineError};

pub(super) struct Root(PathBuf);

impl Root {
    /// `None` where it does not run.
    pub(super) async fn of(container: &Container) -> Result<Option<Self>, EngineError> {
        let pid = container.pid().await?;
        Ok(pid.map(|pid| Self(format!("/proc/{pid}/root").into())))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// `path`: in the container.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// The last part of the path is not followed where it is a link.
    pub(super) fn found(&self, path: &str) -> Option<Metadata> {
        self.at(path).symlink_metadata().ok()
    }
}
