//! Reads what a run leaves, before the container is asked to stop.

use std::os::unix::fs::MetadataExt as _;

use super::root::Root;
use crate::cli::RunOptions;
use crate::harden::{Footprint, mount_points};
use crate::target::cgroup::ScopeCgroup;
use crate::target::engine::{Container, EngineError};

/// A service that keeps more has no footprint that could be compared.
const FILES: usize = 10_000;

pub(super) async fn footprint(
    container: &Container,
    scope: &ScopeCgroup,
    options: &RunOptions,
) -> Result<Footprint, EngineError> {
    let mut footprint = Footprint::default();
    for process in scope.processes().unwrap_or_default() {
        let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else {
            continue;
        };
        let entries = std::fs::read_dir(format!("/proc/{process}/fd"));
        let open = entries.into_iter().flatten().flatten();
        let targets = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        let targets: Vec<String> = targets.map(|target| target.display().to_string()).collect();
        footprint.task(&status, &targets);
    }
    let Some(root) = Root::of(container).await? else {
        return Ok(footprint);
    };
    let changed = container
        .changes()
        .await?
        .into_iter()
        .map(|change| change.path);
    let mut paths: Vec<String> = changed.collect();
    for mount in mount_points(options) {
        below(&root, &mount, &mut paths);
    }
    for path in paths {
        if let Some(found) = root.found(&path) {
            footprint.file(&path, found.mode(), found.uid(), found.gid());
        }
    }
    Ok(footprint)
}

fn below(root: &Root, folder: &str, paths: &mut Vec<String>) {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(root.at(&folder));
        for entry in entries.into_iter().flatten().flatten() {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path.clone());
            }
            if paths.len() == FILES {
                return;
            }
            paths.push(path);
        }
        paths.push(folder);
    }
}
