//! Reading and writing a file whole or not at all.

use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {cause}{hint}")]
pub struct WriteError {
    pub path: PathBuf,
    pub cause: io::Error,
    hint: &'static str,
}

/// How large what is read as it may be: whatever a path leads to, no more is taken into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub mebibytes: u64,
    /// For people.
    of: &'static str,
}

impl Limit {
    /// Of a whole test suite with 1,000 programs it has some MiB.
    pub const RECORDING: Self = Self::new(64, "a recording");
    /// An engine's own has 20 KB.
    pub const PROFILE: Self = Self::new(4, "a seccomp profile");
    /// With all its evidence one has some KB.
    pub const CAPABILITIES: Self = Self::new(4, "a capability list");
    /// One of 300 starts has 10 KB.
    pub const FLOOR: Self = Self::new(4, "a measured runtime");

    const fn new(mebibytes: u64, of: &'static str) -> Self {
        Self { mebibytes, of }
    }

    /// Of what was read before it was known what it is.
    pub fn check(self, path: &Path, bytes: &[u8]) -> Result<(), ReadError> {
        if bytes.len() as u64 <= self.bytes() {
            return Ok(());
        }
        Err(ReadError::TooLarge {
            path: path.to_owned(),
            limit: self,
        })
    }

    const fn bytes(self) -> u64 {
        self.mebibytes << 20
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {path}: {cause}{}", if .path.as_os_str() == "-" { "; standard input is /dev/stdin" } else { "" })]
    Io { path: PathBuf, cause: io::Error },
    #[error("{path} is too large for {} ({} MiB)", .limit.of, .limit.mebibytes)]
    TooLarge { path: PathBuf, limit: Limit },
}

pub fn read(path: &Path, limit: Limit) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(limit.bytes() + 1).read_to_end(&mut bytes))
        .map_err(|cause| ReadError::Io {
            path: path.to_owned(),
            cause,
        })?;
    limit.check(path, &bytes)?;
    Ok(bytes)
}

/// Replaces `path` in one step: a full disk or a kill leaves the old file or none. Whoever may read and
/// write the old file may the new one. What a symbolic link names is replaced, not the link. What is no
/// file (/dev/null, a pipe) is written to.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    replace_target(path, bytes).map_err(|cause| WriteError {
        path: path.to_owned(),
        hint: hint(cause.kind()),
        cause,
    })
}

fn replace_target(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&target).ok();
    match &old {
        Some(old) if old.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Some(old) if !old.is_file() => {
            return fs::OpenOptions::new()
                .write(true)
                .open(&target)?
                .write_all(bytes);
        }
        _ => {}
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".profiler-")
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)
        // Its message names the temporary file, which the user never sees.
        .map_err(|error| io::Error::from(error.kind()))?;
    if let Some(old) = old {
        // Only root can give it to another; whoever else may replace it has it then.
        let _ = fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(bytes)
        .map_err(|error| io::Error::from(error.kind()))?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

fn hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::IsADirectory => "; name a file with -o",
        ErrorKind::NotFound => "; make its folder first, or name another with -o",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space, or name another place with -o"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::replace;

    #[test]
    fn nothing_but_the_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.json");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn whose_a_file_is_and_who_may_use_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o460)).unwrap();
        let is_ours_to_give = std::os::unix::fs::chown(&path, Some(1000), Some(1000)).is_ok();
        replace(&path, b"new").unwrap();
        let new = fs::metadata(&path).unwrap();
        assert_eq!(new.mode() & 0o7777, 0o460);
        assert_eq!((new.uid(), new.gid()) == (1000, 1000), is_ours_to_give);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_pipe_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        replace(&pipe, b"text").unwrap();
        assert_eq!(reader.join().unwrap(), b"text");
        assert!(!fs::metadata(&pipe).unwrap().is_file());
    }

    #[test]
    fn a_failure_names_the_path_and_what_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let said = replace(path, b"").unwrap_err().to_string();
        assert_eq!(
            said,
            format!(
                "cannot write {}: is a directory; name a file with -o",
                path.display()
            )
        );
        let missing = path.join("missing/profile.json");
        let said = replace(&missing, b"").unwrap_err().to_string();
        assert_eq!(
            said,
            format!(
                "cannot write {}: entity not found; make its folder first, or name another with -o",
                missing.display()
            )
        );
    }
}
