//! What a container has done to its file system and its limits, read while it runs.

use std::cell::Cell;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::root::Root;
use crate::harden::{Look, Peaks, Task, Written, listening};
use crate::process_status;
use crate::target::cgroup::ScopeCgroup;
use crate::target::engine::{ChangeKind, Container, EngineError};

/// Between two counts of what the kernel keeps no peak of.
const SAMPLE: Duration = Duration::from_millis(50);

/// Counts until it is dropped.
pub(super) async fn sample(scope: &ScopeCgroup, peaks: &Cell<Peaks>) {
    loop {
        tokio::time::sleep(SAMPLE).await;
        let Ok(processes) = scope.processes() else {
            continue;
        };
        let count = |process: &i32, of: &str| {
            let entries = std::fs::read_dir(format!("/proc/{process}/{of}")).ok()?;
            u64::try_from(entries.count()).ok()
        };
        let tasks = processes
            .iter()
            .filter_map(|process| count(process, "task"));
        let descriptors = processes.iter().filter_map(|process| count(process, "fd"));
        let seen = peaks.get();
        peaks.set(Peaks {
            processes: seen.processes.max(Some(tasks.sum())),
            descriptors: seen.descriptors.max(descriptors.max()),
            ..seen
        });
    }
}

/// After the test, before it is asked to stop. `started`: before it was.
pub(super) async fn look(
    container: &Container,
    scope: &ScopeCgroup,
    sampled: Peaks,
    started: SystemTime,
) -> Result<Look, EngineError> {
    let root = Root::of(container).await?;
    let mut written = Vec::new();
    for change in container.changes().await? {
        let found = root.as_ref().and_then(|root| root.found(&change.path));
        written.push(Written {
            is_folder: found.as_ref().is_some_and(std::fs::Metadata::is_dir),
            size: found.as_ref().map_or(0, std::fs::Metadata::len),
            path: change.path,
            kind: change.kind,
        });
    }
    let touched = root.map(|root| touched(root.folder(), started));
    for path in touched.into_iter().flatten() {
        if !written.iter().any(|known| known.path == path) {
            written.push(Written {
                path,
                kind: ChangeKind::Modified,
                is_folder: true,
                size: 0,
            });
        }
    }
    written.sort();
    let processes = scope.processes().unwrap_or_default();
    let first = container.pid().await?;
    let tables = ["tcp", "tcp6", "udp", "udp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(format!("/proc/{}/net/{table}", first?)).ok());
    Ok(Look {
        written,
        listening: tables.flat_map(|table| listening(&table)).collect(),
        tasks: processes.into_iter().filter_map(task).collect(),
        peaks: Peaks {
            memory: scope.peak(&["memory.peak", "memory.max_usage_in_bytes"]),
            processes: scope.peak(&["pids.peak"]).or(sampled.processes),
            descriptors: sampled.descriptors,
        },
    })
}

/// Folders in which something was made or removed since: the engine tells nothing of a file that is
/// gone again. On the root's own file system; links are not followed.
fn touched(root: &Path, since: SystemTime) -> Vec<String> {
    let Ok(device) = root.metadata().map(|found| found.dev()) else {
        return Vec::new();
    };
    let mut touched = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(found) = folder.metadata() else {
            continue;
        };
        if found.dev() != device {
            continue;
        }
        let is_new = found.modified().is_ok_and(|at| at >= since);
        if let (true, Ok(path)) = (is_new, folder.strip_prefix(root)) {
            touched.push(Path::new("/").join(path).to_string_lossy().into_owned());
        }
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        open.extend(folders.map(|entry| entry.path()));
    }
    touched
}

/// Of one that has not ended meanwhile: its effective ids.
fn task(process: i32) -> Option<Task> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let effective = |name| {
        let ids = process_status::field(&status, name)?;
        ids.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Task {
        user: effective("Uid")?,
        group: effective("Gid")?,
    })
}

#[cfg(test)]
mod tests {
    use super::touched;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_folder_whose_file_is_gone_again_was_touched() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["srv/uploads", "srv/www"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        std::os::unix::fs::symlink("/", root.path().join("srv/link")).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let since = SystemTime::now();
        std::thread::sleep(Duration::from_millis(50));
        let file = root.path().join("srv/uploads/file");
        std::fs::write(&file, "x").unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(touched(root.path(), since), ["/srv/uploads"]);
    }
}
