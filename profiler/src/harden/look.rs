//! What a container has done to its file system and its limits, as a run left it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::target::engine::ChangeKind;

/// Of one run, or of several together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Sorted by path.
    pub written: Vec<Written>,
    /// At the end of the test; exec sessions are over by then.
    pub tasks: Vec<Task>,
    /// Where others reach it, at the end of the test.
    pub listening: BTreeSet<SocketAddr>,
    pub peaks: Peaks,
}

/// A path of the container's layer that differs from the image's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Written {
    pub path: String,
    pub kind: ChangeKind,
    pub is_folder: bool,
    pub size: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Task {
    pub user: u32,
    pub group: u32,
}

/// The most at once; `None`: nobody counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peaks {
    /// Bytes
    pub memory: Option<u64>,
    pub processes: Option<u64>,
    pub descriptors: Option<u64>,
}

impl Look {
    /// What both show.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for written in other.written {
            match self
                .written
                .iter_mut()
                .find(|known| known.path == written.path)
            {
                Some(known) => known.size = known.size.max(written.size),
                None => self.written.push(written),
            }
        }
        self.written.sort();
        self.tasks.extend(other.tasks);
        self.tasks.sort();
        self.tasks.dedup();
        self.listening.extend(other.listening);
        let (one, other) = (self.peaks, other.peaks);
        self.peaks = Peaks {
            memory: one.memory.max(other.memory),
            processes: one.processes.max(other.processes),
            descriptors: one.descriptors.max(other.descriptors),
        };
        self
    }
}
