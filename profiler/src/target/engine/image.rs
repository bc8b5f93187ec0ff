//! An image of our own, for as long as it is needed.

use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptionsBuilder};
use futures_util::TryStreamExt as _;

use super::error::status;
use super::{Engine, EngineError, apart};

/// Removed on drop, if it was not before.
#[derive(Debug)]
pub struct OwnImage<'a> {
    engine: &'a Engine,
    name: String,
    removed: bool,
}

impl<'a> OwnImage<'a> {
    /// Of one layer. `tar`: the root file system, as `docker import` takes it. `name` is one of its own
    /// on the whole machine.
    pub async fn import(
        engine: &'a Engine,
        name: String,
        tar: Vec<u8>,
    ) -> Result<Self, EngineError> {
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(&name)
            .tag("latest")
            .build();
        // Before the request: where we are stopped in the middle of it, drop removes what comes.
        let image = Self {
            engine,
            name,
            removed: false,
        };
        let body = bollard::body_full(tar.into());
        let told = engine
            .docker
            .create_image(Some(options), Some(body), None)
            .try_collect::<Vec<_>>()
            .await;
        told.map_err(|error| EngineError::refused("import an image of ours", &error))?;
        Ok(image)
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
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        let docker = &self.engine.docker;
        match docker.remove_image(&self.name, Some(options), None).await {
            Err(error) if status(&error) != Some(404) => {
                let action = format!("remove the image {}", self.name);
                Err(EngineError::refused(action, &error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for OwnImage<'_> {
    fn drop(&mut self) {
        if !self.removed {
            apart::remove(&format!("image {}", self.name), self.force_remove());
        }
    }
}
