//! Writing a file whole or not at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}{hint}")]
pub struct WriteError {
    pub path: PathBuf,
    pub source: std::io::Error,
    hint: &'static str,
}

/// Replaces `path` in one step: a full disk or a kill leaves the old file or none.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
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
