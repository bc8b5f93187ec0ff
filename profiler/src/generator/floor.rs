//! What container runtimes were measured to call behind the filter, for where no recording shows it.

mod file;
mod shipped;

use std::collections::BTreeMap;

pub use file::{FORMAT, FloorError, FloorFile, MeasuredCall, Measurement, VERSION};

use super::tables::{Mode, START_UP};
use super::warning::GenerateError;
use crate::words::list;

/// The measured calls of a runtime, or of several together.
#[derive(Clone, Debug)]
pub struct Floor {
    name: String,
    files: Vec<FloorFile>,
}

/// What of a container's start was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    /// The runtime's tail; with no-new-privileges or without.
    pub(super) tail: Option<bool>,
    pub(super) init: bool,
}

impl Needed {
    pub(super) fn is_nothing(self) -> bool {
        self.tail.is_none() && !self.init
    }
}

/// Whose a call is, and whether each start makes it. Where floors differ, the least is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    whose: Whose,
    always: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Runtime,
    Init,
}

impl Floor {
    /// All that come with profiler and that `name` fits: `docker-runc-1.1.5`, `runc-1.1`, `docker`.
    pub fn named(name: &str) -> Result<Self, GenerateError> {
        let (names, files): (Vec<&str>, Vec<FloorFile>) = shipped::floors()
            .filter(|(full, _)| shipped::is_part(name, full))
            .map(|(full, file)| (full, file.clone()))
            .unzip();
        if names.is_empty() {
            return Err(GenerateError::UnknownRuntime {
                name: name.to_owned(),
                known: names_of_shipped(),
            });
        }
        Ok(Self {
            name: list(names),
            files,
        })
    }

    /// One that `profiler floor` has written; `name` is what the user knows it by.
    pub fn of(name: String, file: FloorFile) -> Self {
        Self {
            name,
            files: vec![file],
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn architectures(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.architecture.as_str())
    }

    pub(super) fn calls(&self, needed: Needed) -> BTreeMap<&str, Origin> {
        let mut calls = BTreeMap::new();
        for file in &self.files {
            let tail = needed.tail.map(|mode| (Whose::Runtime, file.tail(mode)));
            let init = needed.init.then_some((Whose::Init, &file.init));
            for (whose, measured) in tail.into_iter().chain(init) {
                for (name, call) in &measured.calls {
                    let always = measured.is_always(call);
                    let origin = Origin { whose, always };
                    let known = calls.entry(name.as_str()).or_insert(origin);
                    *known = origin.min(*known);
                }
            }
        }
        calls
    }

    /// For a rule's comment.
    pub(super) fn reason(&self, origin: Origin) -> String {
        let whose = match origin.whose {
            Whose::Runtime => "the container runtime's, before the first program",
            Whose::Init => "the engine's init's (--init)",
        };
        let often = if origin.always {
            "in each start"
        } else {
            "in some starts"
        };
        format!("measured with {}: {whose}, {often}", self.name)
    }
}

/// What no runc that was measured gets along without, however the container is run. crun does with
/// less.
pub fn least_of_runc() -> impl Iterator<Item = &'static str> {
    let needed = START_UP
        .runtime
        .iter()
        .filter(|call| call.needed.contains(&Mode::NoNewPrivileges));
    needed.map(|call| call.name.as_str()).filter(|&name| {
        let mut floors = shipped::floors().filter(|(_, file)| file.engine.runtime == "runc");
        floors.all(|(_, file)| file.no_new_privileges.calls.contains_key(name))
    })
}

/// Those that can be named.
pub(super) fn names_of_shipped() -> String {
    list(shipped::floors().map(|(name, _)| name))
}
