//! What a container runtime was measured to call where no recording shows it.

use super::input::{self, Calls};
use super::tables::{FloorCall, Mode, RUNTIMES, Runtime};
use super::warning::GenerateError;
use crate::recording::{Assumption, Recording};

/// The measured calls of one version of a container runtime.
#[derive(Clone, Copy, Debug)]
pub struct Floor(&'static Runtime);

impl Floor {
    /// `runc-1.1.5`
    pub fn named(name: &str) -> Result<Self, GenerateError> {
        let found = RUNTIMES
            .runtimes
            .iter()
            .find(|runtime| runtime.name == name);
        found
            .map(Self)
            .ok_or_else(|| GenerateError::UnknownRuntime {
                name: name.to_owned(),
                known: names(),
            })
    }

    pub(super) fn name(self) -> &'static str {
        &self.0.name
    }

    /// All of its calls, seen or not.
    pub(super) fn calls(self) -> impl Iterator<Item = &'static str> {
        let all = self.0.calls.iter().chain(&self.0.start_up);
        all.map(|call| call.name.as_str())
    }

    /// Makes the calls that were not seen known to `calls`, and hands them back with the reason for
    /// each group of them.
    pub(super) fn add_to(
        self,
        calls: &mut Calls,
        recordings: &[Recording],
    ) -> Vec<(&'static str, Vec<String>)> {
        let mode = if input::no_new_privileges(recordings) {
            Mode::NoNewPrivileges
        } else {
            Mode::Plain
        };
        let Runtime {
            calls: tail,
            reason,
            start_up,
            start_up_reason,
            ..
        } = self.0;
        let mut groups = vec![(reason.as_str(), unseen(tail, mode, calls))];
        if input::stands(recordings, Assumption::StartUpUnseen) {
            groups.push((start_up_reason, unseen(start_up, mode, calls)));
        }
        calls.architectures.insert(self.0.architecture.clone());
        for name in groups.iter().flat_map(|(_, names)| names) {
            calls.named.entry(name.clone()).or_default();
        }
        groups
    }
}

/// What no runtime that was measured gets along without, however the container is run.
pub fn least_of_runtimes() -> impl Iterator<Item = &'static str> {
    let calls = RUNTIMES.runtimes.iter().flat_map(|runtime| &runtime.calls);
    calls
        .filter(|call| call.modes.contains(&Mode::NoNewPrivileges))
        .filter(|call| call.reason.starts_with("needed"))
        .map(|call| call.name.as_str())
}

fn unseen(of: &[FloorCall], mode: Mode, calls: &Calls) -> Vec<String> {
    of.iter()
        .filter(|call| call.modes.contains(&mode))
        .filter(|call| !calls.named.contains_key(&call.name))
        .map(|call| call.name.clone())
        .collect()
}

/// Those that can be named.
pub(super) fn names() -> String {
    let names: Vec<&str> = RUNTIMES
        .runtimes
        .iter()
        .map(|runtime| runtime.name.as_str())
        .collect();
    names.join(", ")
}
