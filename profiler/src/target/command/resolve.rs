//! Which file a command's name means.
//!
//! Done before the fork, not by execvp behind the filter: the filter then judges one execve, not
//! one for each folder in PATH.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

use super::CommandError;
use crate::recording::Text;

/// Where PATH is not set, as execvp(3) has it.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

pub(super) fn resolve(name: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, CommandError> {
    let not_executable = |path: &Path, source| CommandError::NotExecutable {
        name: Text::from(path.as_os_str()),
        source,
    };
    if name.is_empty() {
        return Err(CommandError::NotFound(Text::from(name)));
    }
    if name.as_encoded_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return match executable(&path) {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(CommandError::NotFound(Text::from(name)))
            }
            Err(error) => Err(not_executable(&path, error)),
        };
    }
    let mut found = None;
    for folder in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))) {
        // An empty entry means the working directory.
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &folder
        };
        let path = folder.join(name);
        match executable(&path) {
            Ok(()) => return Ok(path),
            // A folder or a folder's file of that name hides nothing that comes later.
            Err(error) if !is_absence(&error) => {
                found.get_or_insert((path, error));
            }
            Err(_) => {}
        }
    }
    Err(match found {
        Some((path, error)) => not_executable(&path, error),
        None => CommandError::NotFound(Text::from(name)),
    })
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

fn executable(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    faccessat(AT_FDCWD, path, AccessFlags::X_OK, AtFlags::AT_EACCESS)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::resolve;
    use crate::target::command::CommandError;

    fn file(path: &std::path::Path, mode: u32) {
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_first_executable_in_path_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        });
        let path = std::env::join_paths([&first, &second]).unwrap();
        let found = |name: &str| resolve(OsStr::new(name), Some(&path));

        file(&first.join("plain"), 0o644);
        file(&second.join("plain"), 0o755);
        assert_eq!(found("plain").unwrap(), second.join("plain"));

        fs::create_dir(first.join("folder")).unwrap();
        assert!(matches!(found("folder"), Err(CommandError::NotFound(_))));

        file(&first.join("data"), 0o644);
        let error = found("data").unwrap_err();
        assert_eq!(error.exit_code(), 126, "{error}");
        assert!(error.to_string().contains("first/data"), "{error}");
    }

    #[test]
    fn a_name_with_a_slash_is_a_path() {
        let exit_code = |name: &str| {
            resolve(OsStr::new(name), Some(OsStr::new("/bin")))
                .unwrap_err()
                .exit_code()
        };
        assert_eq!(exit_code("./no-such"), 127);
        assert_eq!(exit_code("/etc"), 126);
        assert_eq!(exit_code("/etc/passwd"), 126);
        assert_eq!(exit_code(""), 127);
    }

    #[test]
    fn without_path_the_system_folders_are_searched() {
        let sh = resolve(OsStr::new("sh"), None).unwrap();
        assert_eq!(sh, std::path::Path::new("/bin/sh"));
    }
}
