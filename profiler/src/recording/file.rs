//! Reading and writing recordings: whole or not at all.

use std::path::{Path, PathBuf};

use serde::de;

use super::{FORMAT, Head, Recording, Text, VERSION};
use crate::file::{self, Limit, WriteError};

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    File(#[from] file::ReadError),
    #[error("{path} is no recording: {reason}; `profiler record` writes one")]
    NotARecording { path: PathBuf, reason: String },
    #[error(
        "{path} is a recording of version {found}, and this profiler reads up to {VERSION}: update profiler"
    )]
    Newer { path: PathBuf, found: u64 },
    #[error("{path} is a broken recording: {cause}; record again")]
    Broken {
        path: PathBuf,
        cause: serde_json::Error,
    },
}

pub fn read(path: &Path) -> Result<Recording, ReadError> {
    parse(path, &file::read(path, Limit::RECORDING)?)
}

/// `path`: what the user knows it by.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Recording, ReadError> {
    let not_a_recording = |reason: String| ReadError::NotARecording {
        path: path.to_owned(),
        reason,
    };
    let head = Head::read(bytes).map_err(|error| not_a_recording(error.to_string()))?;
    if head.format() != Some(FORMAT) {
        return Err(not_a_recording(format!(
            "its \"format\" is not \"{FORMAT}\""
        )));
    }
    if let Some(found) = head.newer_than(VERSION) {
        return Err(ReadError::Newer {
            path: path.to_owned(),
            found,
        });
    }
    let broken = |cause: serde_json::Error| ReadError::Broken {
        path: path.to_owned(),
        cause,
    };
    let recording: Recording = serde_json::from_slice(bytes).map_err(broken)?;
    match with_torn_arguments(&recording) {
        None => Ok(recording),
        Some(call) => Err(broken(de::Error::custom(format!(
            "the arguments of {} are not a value for each that was noted",
            Text::from(call)
        )))),
    }
}

/// The first call that has them; whoever reads combinations takes each for whole.
fn with_torn_arguments(recording: &Recording) -> Option<&str> {
    let mut calls = recording.architectures.values().flatten();
    let torn = calls.find(|(_, call)| {
        let arguments = call.callers.iter().flat_map(|caller| &caller.arguments);
        arguments.into_iter().any(|noted| !noted.is_whole())
    });
    torn.map(|(name, _)| name.as_str())
}

pub fn to_json(recording: &Recording) -> String {
    serde_json::to_string_pretty(recording).expect("a recording is always valid JSON") + "\n"
}

/// Whole or not at all, as [`crate::file::replace`] does it.
pub fn write(path: &Path, recording: &Recording) -> Result<(), WriteError> {
    file::replace(path, to_json(recording).as_bytes())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Recording, VERSION, parse};

    #[test]
    fn the_published_schema_is_current() {
        crate::schema::check("recording", VERSION, &schemars::schema_for!(Recording));
    }
    #[test]
    fn torn_arguments_are_refused_by_their_call() {
        let text = include_str!("../../../tests/golden/real/script.recording.json");
        let mut recording: Recording = serde_json::from_str(text).unwrap();
        let calls = recording.architectures.get_mut("SCMP_ARCH_X86_64").unwrap();
        let callers = calls.get_mut("clone").unwrap().callers.iter_mut();
        for noted in callers.flat_map(|caller| &mut caller.arguments) {
            noted.combinations.insert(Vec::new());
        }
        let error = parse(Path::new("r.json"), super::to_json(&recording).as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "r.json is a broken recording: the arguments of clone are not a value for each that was noted; record again"
        );
    }
}
