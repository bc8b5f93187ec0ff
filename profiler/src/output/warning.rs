//! What a format cannot say, and why one cannot be written.

use std::collections::BTreeSet;

use crate::words::list;

/// Ordered as they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Warning {
    #[error(
        "capabilities were not observed while recording: nothing is said of them, and they stay as they are; record again where the kernel lets them be observed"
    )]
    CapabilitiesNotObserved,
    #[error(
        "{format}: the recording names no image that can be named here; put one where {placeholder} stands"
    )]
    NoImage {
        format: &'static str,
        placeholder: &'static str,
    },
    #[error(
        "compose: the recording names no Compose service, so it is taken to be {name}; --name NAME where it is called otherwise"
    )]
    NoService { name: String },
    #[error(
        "{format} cannot compare arguments{}: allowed with any: {}",
        if *.in_part { " above 2^63" } else { "" },
        list(.names)
    )]
    Arguments {
        format: &'static str,
        /// Some comparisons it can make.
        in_part: bool,
        names: BTreeSet<String>,
    },
    #[error("{format} cannot {action}: {instead}")]
    Action {
        format: &'static str,
        action: String,
        instead: &'static str,
    },
}

/// Why there is no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    #[error(
        "--name {given:?} is no name: letters, digits, '.', '_' and '-', at most 63, and not only signs"
    )]
    NoName { given: String },
    #[error(
        "the recording's Compose service is called \"{name}\", and no service can be; name it with --name"
    )]
    HostileService { name: String },
    #[error("--profile {path:?} has a control character in it; name a file without one")]
    ProfilePath { path: String },
    #[error(
        "capabilities: not observed while recording, so there is nothing to tell which are needed; record again where the kernel lets them be observed"
    )]
    CapabilitiesNotObserved,
}
