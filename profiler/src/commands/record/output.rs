//! Where recordings are written: one file, or a folder with a file a subject.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::run::About;
use crate::recording::{self, Recording};

pub(super) enum Output {
    File(PathBuf),
    Folder {
        path: PathBuf,
        /// Which file each subject has; the same subject under another filter has another.
        files: std::cell::RefCell<Vec<(About, PathBuf)>>,
    },
}

impl Output {
    /// Found before anything runs, so that no run is lost to a mistyped path.
    pub(super) fn file(given: Option<&Path>, subject: &str) -> anyhow::Result<Self> {
        let path = given.map_or_else(
            || PathBuf::from(format!("{subject}.recording.json")),
            Path::to_owned,
        );
        if path.is_dir() {
            bail!("{} is a directory; name a file with -o", path.display());
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            bail!(
                "there is no folder {} to write {} in; make it first",
                folder.display(),
                path.display()
            );
        }
        Ok(Self::File(path))
    }

    /// Made where it is not there; tried out before anything runs.
    pub(super) fn folder(given: Option<&Path>) -> anyhow::Result<Self> {
        let path = given.map_or_else(|| PathBuf::from("."), Path::to_owned);
        if path.exists() && !path.is_dir() {
            bail!(
                "{} is a file; name a folder with -o, one file a subject is written there",
                path.display()
            );
        }
        if !path.is_dir()
            && path
                .extension()
                .is_some_and(|extension| extension == "json")
        {
            bail!(
                "{} looks like a file; name a folder with -o, one file a subject is written there",
                path.display()
            );
        }
        std::fs::create_dir_all(&path)
            .and_then(|()| tempfile::tempfile_in(&path).map(drop))
            .with_context(|| {
                format!(
                    "cannot write to the folder {}; name another with -o",
                    path.display()
                )
            })?;
        Ok(Self::Folder {
            path,
            files: std::cell::RefCell::default(),
        })
    }

    /// The same for the same subject, each time.
    pub(super) fn path(&self, about: &About) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Folder { path, files } => {
                let mut files = files.borrow_mut();
                if let Some((_, file)) = files.iter().find(|(known, _)| known.is_same(about)) {
                    return file.clone();
                }
                let word = about.subject.word();
                let mut file = path.join(format!("{word}.recording.json"));
                let mut ordinal = 2;
                while files.iter().any(|(_, taken)| *taken == file) {
                    file = path.join(format!("{word}-{ordinal}.recording.json"));
                    ordinal += 1;
                }
                files.push((about.clone(), file.clone()));
                file
            }
        }
    }
}

/// A run that took an hour must not be lost to a full disk: what cannot be written where it
/// should be is written to the folder for temporary files, and the error says so.
pub(super) fn write(path: &Path, recording: &Recording) -> anyhow::Result<()> {
    let Err(error) = recording::write(path, recording) else {
        return Ok(());
    };
    let name = path.file_name().unwrap_or("recording.json".as_ref());
    let name = name.to_string_lossy();
    let free = (1..100)
        .map(|ordinal| match ordinal {
            1 => std::env::temp_dir().join(&*name),
            _ => std::env::temp_dir().join(format!("{ordinal}-{name}")),
        })
        .find(|rescue| rescue != path && !rescue.exists());
    if let Some(rescue) = free
        && recording::write(&rescue, recording).is_ok()
    {
        bail!("{error}; the recording was kept as {}", rescue.display());
    }
    Err(error.into())
}
