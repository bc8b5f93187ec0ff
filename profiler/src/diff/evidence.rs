//! Who asked, in how many runs.

use std::collections::BTreeSet;

use crate::explain;
use crate::recording::{Caller, Phase, Recording};

/// From the recording that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How many of its runs.
    pub runs: usize,
    pub of: usize,
    pub askers: Vec<Asker>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asker {
    pub phase: Phase,
    /// Inside the container; `None`: it is not known.
    pub executable: Option<String>,
    /// In words, with the runs.
    pub told: String,
}

impl Evidence {
    pub(super) fn of<'a>(recording: &Recording, callers: impl Iterator<Item = &'a Caller>) -> Self {
        let (mut runs, mut askers) = (BTreeSet::<u32>::new(), BTreeSet::new());
        for caller in callers {
            runs.extend(&caller.runs);
            askers.insert(Asker {
                phase: caller.phase,
                executable: caller.exe.as_ref().map(ToString::to_string),
                told: explain::who(recording, caller),
            });
        }
        Self {
            runs: runs.len(),
            of: recording.runs.len(),
            askers: askers.into_iter().collect(),
        }
    }

    /// One run of several: the next may show the other.
    pub(super) fn is_of_one_run(&self) -> bool {
        self.runs == 1 && self.of > 1
    }
}
