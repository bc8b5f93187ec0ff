//! Reading and writing recordings: whole or not at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{FORMAT, Recording, VERSION};

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is no recording: {reason}; `profiler record` writes one")]
    NotARecording { path: PathBuf, reason: String },
    #[error(
        "{path} is a recording of version {found}, and this profiler reads up to {VERSION}: update profiler"
    )]
    Newer { path: PathBuf, found: u64 },
    #[error("{path} is a broken recording: {source}; record again")]
    Broken {
        path: PathBuf,
        source: serde_json::Error,
    },
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}{hint}")]
pub struct WriteError {
    pub path: PathBuf,
    pub source: std::io::Error,
    hint: &'static str,
}

pub fn read(path: &Path) -> Result<Recording, ReadError> {
    let bytes = std::fs::read(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Recording, ReadError> {
    let not_a_recording = |reason: String| ReadError::NotARecording {
        path: path.to_owned(),
        reason,
    };
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| not_a_recording(e.to_string()))?;
    if value.get("format").and_then(|f| f.as_str()) != Some(FORMAT) {
        return Err(not_a_recording(format!(
            "its \"format\" is not \"{FORMAT}\""
        )));
    }
    match value.get("version").and_then(serde_json::Value::as_u64) {
        None => return Err(not_a_recording("it has no \"version\"".into())),
        Some(found) if found > u64::from(VERSION) => {
            return Err(ReadError::Newer {
                path: path.to_owned(),
                found,
            });
        }
        Some(_) => {}
    }
    // From the text again, not from the value: only so the error tells line and column.
    serde_json::from_slice(bytes).map_err(|source| ReadError::Broken {
        path: path.to_owned(),
        source,
    })
}

/// Replaces `path` in one step: a full disk or a kill leaves the old file or none.
pub fn write(path: &Path, recording: &Recording) -> Result<(), WriteError> {
    let mut text = serde_json::to_vec_pretty(recording).expect("a recording is always valid JSON");
    text.push(b'\n');
    write_atomically(path, &text)
}

pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let error = |source: std::io::Error| {
        let hint = match source.kind() {
            std::io::ErrorKind::IsADirectory => "; name a file with -o",
            std::io::ErrorKind::StorageFull => "; free some space, or name another place with -o",
            _ => "",
        };
        WriteError {
            path: path.to_owned(),
            source,
            hint,
        }
    };
    if path.is_dir() {
        return Err(error(std::io::ErrorKind::IsADirectory.into()));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".profiler-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(error)?;
    file.write_all(bytes).map_err(error)?;
    file.as_file().sync_all().map_err(error)?;
    file.persist(path).map_err(|e| error(e.error))?;
    Ok(())
}
