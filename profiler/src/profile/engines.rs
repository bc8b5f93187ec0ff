//! The default profiles of engines (`profiles/engines/`), by the names that stand for a file's.
//!
//! No engine is asked: the newest is meant where no version is named.

use super::read::ReadError;
use crate::words::list;

/// The newest; with `@VERSION` one of the others.
pub const DOCKER_DEFAULT: &str = "docker-default";

/// By version, the newest first.
const DOCKER: [(&str, &str); 2] = [
    (
        "29.4",
        include_str!("../../../profiles/engines/docker-29.4.json"),
    ),
    (
        "20.10",
        include_str!("../../../profiles/engines/docker-20.10.json"),
    ),
];

/// The text; `None`: the name is that of a file.
pub(super) fn named(name: &str) -> Option<Result<&'static str, ReadError>> {
    let version = match name.strip_prefix(DOCKER_DEFAULT)? {
        "" => DOCKER[0].0,
        rest => rest.strip_prefix('@')?,
    };
    let mut known = DOCKER.iter();
    let found = known.find(|(own, _)| *own == version);
    let unknown = || ReadError::UnknownEngine {
        version: version.to_owned(),
        known: list(DOCKER.map(|(own, _)| own)),
    };
    Some(found.map(|(_, text)| *text).ok_or_else(unknown))
}
