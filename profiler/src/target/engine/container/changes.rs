//! What differs in a container's file system from its image's: `docker diff`.

use bollard::models::ChangeType;
use serde::{Deserialize, Serialize};

use super::super::EngineError;
use super::Container;

/// In the container's own layer: what lies on mounts is not among them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub path: String,
    pub kind: ChangeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ChangeKind {
    /// Also a folder in which something changed.
    Modified,
    Added,
    Deleted,
}

impl Container {
    /// In any state of it. A folder stands before what lies in it.
    pub async fn changes(&self) -> Result<Vec<Change>, EngineError> {
        let found = self.docker().container_changes(&self.name).await;
        let found = found.map_err(|error| self.refused("tell what changed in", &error))?;
        let mut changes: Vec<Change> = found
            .unwrap_or_default()
            .into_iter()
            .map(|change| Change {
                path: change.path,
                kind: match change.kind {
                    ChangeType::_0 => ChangeKind::Modified,
                    ChangeType::_1 => ChangeKind::Added,
                    ChangeType::_2 => ChangeKind::Deleted,
                },
            })
            .collect();
        changes.sort();
        Ok(changes)
    }
}
