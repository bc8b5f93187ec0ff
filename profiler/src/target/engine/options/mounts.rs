//! `-v` and `--tmpfs`

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::{OptionError, Surroundings};

/// What may stand after the second colon of `-v`
/// (<https://github.com/moby/moby/blob/v20.10.24/volume/mounts/linux_parser.go>; `U` is
/// podman's).
const OPTIONS: [&str; 15] = [
    "ro",
    "rw",
    "z",
    "Z",
    "U",
    "nocopy",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "private",
    "rprivate",
    "consistent",
    "cached",
    "delegated",
];

#[derive(Debug, Default)]
pub(super) struct Volumes {
    pub(super) binds: Vec<String>,
    /// Paths in the container.
    pub(super) anonymous: Vec<String>,
}

pub(super) fn volumes(
    options: &[String],
    surroundings: &dyn Surroundings,
) -> Result<Volumes, OptionError> {
    let mut volumes = Volumes::default();
    for option in options {
        let refused = |reason: String| OptionError::new("-v", option, reason);
        let parts: Vec<&str> = option.split(':').collect();
        let (source, target, mode) = match parts[..] {
            [target] => (None, target, None),
            [source, target] => (Some(source), target, None),
            [source, target, mode] => (Some(source), target, Some(mode)),
            _ => return Err(refused("it has more than three parts".into())),
        };
        container_path(target).map_err(refused)?;
        let unknown = mode.and_then(|mode| mode.split(',').find(|word| !OPTIONS.contains(word)));
        if let Some(word) = unknown {
            return Err(refused(format!("there is no mount option {word:?}")));
        }
        match source {
            None => volumes.anonymous.push(target.to_owned()),
            Some(source) => {
                let source = host_source(source, surroundings).map_err(refused)?;
                let parts = [Some(source.as_str()), Some(target), mode];
                let parts: Vec<&str> = parts.into_iter().flatten().collect();
                volumes.binds.push(parts.join(":"));
            }
        }
    }
    Ok(volumes)
}

/// By path in the container.
pub(super) fn tmpfs(options: &[String]) -> Result<HashMap<String, String>, OptionError> {
    options
        .iter()
        .map(|option| {
            let (path, mode) = option.split_once(':').unwrap_or((option, ""));
            container_path(path).map_err(|reason| OptionError::new("--tmpfs", option, reason))?;
            Ok((path.to_owned(), mode.to_owned()))
        })
        .collect()
}

fn container_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("{path:?} is not an absolute path in the container"));
    }
    if Path::new(path).components().eq([Component::RootDir]) {
        return Err("the container's root cannot be mounted over".into());
    }
    Ok(())
}

/// An absolute path, or a volume's name. A path that starts with a dot is relative to our folder,
/// as the docker command has it since version 23.
fn host_source(source: &str, surroundings: &dyn Surroundings) -> Result<String, String> {
    if source.starts_with('/') {
        return Ok(source.to_owned());
    }
    if source == "." || source == ".." || source.starts_with("./") || source.starts_with("../") {
        let folder = surroundings.folder().map_err(|e| e.to_string())?;
        let path = clean(&folder.join(source));
        return path
            .into_os_string()
            .into_string()
            .map_err(|path| format!("{} is not UTF-8", path.display()));
    }
    let mut bytes = source.bytes();
    let is_name = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if !is_name {
        return Err(format!(
            "{source:?} is neither a path (from / or ./) nor a volume's name"
        ));
    }
    Ok(source.to_owned())
}

/// Without `.` and `..`, as Go's `filepath.Clean`: the engine wants a clean path.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                cleaned.pop();
            }
            Component::CurDir => {}
            other => cleaned.push(other),
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::super::tests::Known;
    use super::{tmpfs, volumes};

    fn bind(option: &str) -> Result<String, String> {
        let volumes = volumes(&[option.to_owned()], &Known).map_err(|e| e.to_string())?;
        Ok(volumes.binds.into_iter().chain(volumes.anonymous).collect())
    }

    #[test]
    fn each_form() {
        for (option, expected) in [
            ("/data", "/data"),
            ("/host:/data", "/host:/data"),
            ("/host:/data:ro,z", "/host:/data:ro,z"),
            ("cache:/data", "cache:/data"),
            ("./site:/srv:ro", "/here/site:/srv:ro"),
            ("../site/.:/srv", "/site:/srv"),
            (".:/srv", "/here:/srv"),
        ] {
            assert_eq!(bind(option).unwrap(), expected, "{option}");
        }
    }

    #[test]
    fn what_cannot_be_mounted_is_refused() {
        for (option, part) in [
            ("", "absolute path"),
            ("data", "absolute path"),
            ("/host:data", "absolute path"),
            ("/host:/", "root cannot"),
            ("/host://", "root cannot"),
            ("/host:/data:readonly", "no mount option \"readonly\""),
            ("/host:/data:", "no mount option \"\""),
            ("/a:/b:ro:z", "more than three parts"),
            (":/data", "neither a path"),
            ("a/b:/data", "neither a path"),
            ("~/x:/data", "neither a path"),
        ] {
            let error = bind(option).unwrap_err();
            assert!(error.contains(part), "{option}: {error}");
        }
    }

    #[test]
    fn tmpfs_wants_a_path() {
        let mounts = tmpfs(&["/run".into(), "/tmp:size=1m,noexec".into()]).unwrap();
        assert_eq!(mounts["/run"], "");
        assert_eq!(mounts["/tmp"], "size=1m,noexec");
        let error = tmpfs(&["run".into()]).unwrap_err().to_string();
        assert!(error.starts_with("--tmpfs \"run\": "), "{error}");
    }
}
