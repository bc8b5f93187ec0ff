//! Where recordings are written: one file, or a folder with a file a subject.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::run::About;
use crate::recording::{self, Recording, Subject, Text};

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
                if let Some((_, file)) = files.iter().find(|(known, _)| known == about) {
                    return file.clone();
                }
                let word = word(&about.subject);
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

/// For a file's name: no separators, nothing hidden, nothing that a terminal or shell takes for
/// something else.
fn word(subject: &Subject) -> String {
    let name = match subject {
        Subject::Image {
            service: Some(service),
            ..
        } => service.name.clone(),
        Subject::Image { reference, .. } => {
            image_word(&String::from_utf8_lossy(reference.as_bytes())).into()
        }
        Subject::Command { argv } => argv.first().cloned().unwrap_or_else(|| "command".into()),
        Subject::Cgroup { path } => last(path).into(),
    };
    let name: String = String::from_utf8_lossy(name.as_bytes())
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(100)
        .collect();
    match name.trim_start_matches('.') {
        "" => "subject".to_owned(),
        name => name.to_owned(),
    }
}

fn last(path: &Text) -> String {
    let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// `nginx` of `registry.example/team/nginx:1.22@sha256:…`
pub(super) fn image_word(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split(':').next().unwrap_or(name)
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

#[cfg(test)]
mod tests {
    use super::{image_word, word};
    use crate::recording::{Service, Subject};

    #[test]
    fn the_file_is_named_after_the_images_last_word() {
        assert_eq!(image_word("nginx"), "nginx");
        assert_eq!(
            image_word("registry.example:5000/team/nginx:1.22@sha256:00"),
            "nginx"
        );
    }

    #[test]
    fn a_hostile_name_leaves_the_folder_by_no_way() {
        let of = |name: &str| {
            word(&Subject::Image {
                reference: "nginx".into(),
                id: "sha256:0".into(),
                repo_digests: Vec::new(),
                argv: Vec::new(),
                service: Some(Service {
                    project: "p".into(),
                    name: name.into(),
                }),
            })
        };
        assert_eq!(of("web"), "web");
        assert_eq!(of("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(of("a\x1b[31m\n<b>"), "a__31m__b_");
        assert_eq!(of("…"), "_");
        assert_eq!(of(".."), "subject");
    }
}
