//! Where a read-only root must be written all the same: the fewest folders that hold it all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Look;
use super::tables::HARDENING;
use crate::cli::RunOptions;
use crate::target::engine::ChangeKind;

/// A folder to mount something on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Writable {
    pub(super) path: String,
    /// Bytes that were written below it.
    pub(super) size: u64,
}

/// Where a container may write though its root is read-only.
pub fn mount_points(options: &RunOptions) -> BTreeSet<String> {
    let tmpfs = options.tmpfs.iter();
    let tmpfs = tmpfs.map(|mount| mount.split(':').next().unwrap_or_default().to_owned());
    let volumes = options
        .volume
        .iter()
        .filter(|volume| !volume.ends_with(":ro"));
    let volumes = volumes.map(|volume| {
        let parts: Vec<&str> = volume.split(':').collect();
        (*parts.get(1).unwrap_or(&parts[0])).to_owned()
    });
    tmpfs.chain(volumes).collect()
}

/// `Err`: what lies in no folder that could be mounted over.
pub(super) fn writable(look: &Look) -> Result<Vec<Writable>, String> {
    let written: Vec<_> = look
        .written
        .iter()
        .filter(|written| !HARDENING.is_of_the_engine(&written.path))
        .collect();
    let mut folders: BTreeMap<PathBuf, u64> = BTreeMap::new();
    for one in &written {
        let path = Path::new(&one.path);
        let parent = path.parent().unwrap_or(path);
        // Of the engine's too: what it is told for is not its own then.
        let below = |folder: &Path| {
            let mut all = look.written.iter();
            all.any(|w| Path::new(&w.path).parent() == Some(folder))
        };
        let is_new = |path: &Path| {
            let mut known = written.iter();
            known.any(|w| Path::new(&w.path) == path && w.kind == ChangeKind::Added)
        };
        let folder = match one.kind {
            // The folder that holds it is to be mounted, or is new too.
            ChangeKind::Added if is_new(parent) => None,
            // It is only told for what changed below it.
            ChangeKind::Modified if one.is_folder && below(path) => None,
            ChangeKind::Modified if one.is_folder => Some(path),
            _ => Some(parent),
        };
        if let Some(folder) = folder {
            if folder == Path::new("/") {
                return Err(one.path.clone());
            }
            folders.entry(folder.to_owned()).or_default();
        }
    }
    // One that lies in another is part of it.
    let roots: Vec<PathBuf> = folders
        .keys()
        .filter(|path| {
            !path
                .ancestors()
                .skip(1)
                .any(|above| folders.contains_key(above))
        })
        .cloned()
        .collect();
    Ok(roots
        .into_iter()
        .map(|root| Writable {
            size: written
                .iter()
                .filter(|one| !one.is_folder && Path::new(&one.path).starts_with(&root))
                .fold(0, |sum, one| sum.saturating_add(one.size)),
            path: root.to_string_lossy().into_owned(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{Writable, writable};
    use crate::harden::{Look, Written};
    use crate::target::engine::ChangeKind;

    /// `C` and `A` as `docker diff` has them; a path that ends with `/` is a folder.
    fn look(diff: &str) -> Look {
        let written = diff.lines().map(|line| {
            let (kind, path) = line.trim().split_once(' ').unwrap();
            Written {
                path: path.trim_end_matches('/').to_owned(),
                kind: match kind {
                    "A" => ChangeKind::Added,
                    "D" => ChangeKind::Deleted,
                    _ => ChangeKind::Modified,
                },
                is_folder: path.ends_with('/'),
                size: 10,
            }
        });
        Look {
            written: written.collect(),
            ..Look::default()
        }
    }

    fn paths(diff: &str) -> Vec<String> {
        let writable = writable(&look(diff)).unwrap();
        writable.into_iter().map(|writable| writable.path).collect()
    }

    /// What the tests' nginx leaves.
    #[test]
    fn the_folders_that_hold_what_was_written() {
        let diff = "C /var/\nC /var/lib/\nC /var/lib/nginx/\nA /var/lib/nginx/body/
            A /var/lib/nginx/proxy/\nA /var/lib/nginx/proxy/1/\nC /var/log/\nC /var/log/nginx/
            C /var/log/nginx/error.log\nC /run/\nA /run/nginx.pid";
        assert_eq!(paths(diff), ["/run", "/var/lib/nginx", "/var/log/nginx"]);
    }

    #[test]
    fn a_folder_whose_owner_changed_is_written_itself() {
        assert_eq!(paths("C /data/"), ["/data"]);
        assert_eq!(
            paths("C /data/\nA /data/one\nA /data/two/\nA /data/two/x"),
            ["/data"]
        );
        assert_eq!(
            paths("C /srv/\nC /srv/a/\nD /srv/a/x\nC /srv/a/b/"),
            ["/srv/a"]
        );
    }

    #[test]
    fn what_the_engine_makes_is_nobodys() {
        assert!(paths("C /etc/\nA /etc/mtab\nC /etc/hosts\nA /.dockerenv").is_empty());
    }

    #[test]
    fn nothing_mounts_over_the_root() {
        assert_eq!(writable(&look("A /ready")), Err("/ready".into()));
    }

    #[test]
    fn sizes_are_of_all_that_lies_below() {
        let expected = Writable {
            path: "/data".into(),
            size: 20,
        };
        assert_eq!(
            writable(&look("C /data/\nA /data/a\nA /data/b/\nA /data/b/c")),
            Ok(vec![expected])
        );
    }
}
