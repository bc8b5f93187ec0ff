//! `--under`: the filter that a subject runs under while it is recorded.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::bail;
use sha2::{Digest as _, Sha256};

use crate::profile::{self, Container, Profile};
use crate::recording::{Filter, Text};

pub(in crate::commands) enum Under {
    Open,
    EngineDefault,
    File { path: String, json: String },
}

impl Under {
    pub(super) fn parse(under: &str) -> anyhow::Result<Self> {
        Ok(match under {
            "open" => Self::Open,
            "default" => Self::EngineDefault,
            path => Self::File {
                path: path.to_owned(),
                json: profile::read(Path::new(path), &Container::default())?.json,
            },
        })
    }

    /// Which refuses nothing that anybody would miss.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// For an engine; `None`: its own default.
    pub(super) fn json(&self) -> Option<&str> {
        match self {
            Self::Open => Some(profile::OPEN),
            Self::EngineDefault => None,
            Self::File { json, .. } => Some(json),
        }
    }

    /// For a command of our own.
    pub(super) fn profile(&self) -> anyhow::Result<Profile> {
        Ok(match self {
            Self::Open => Profile::open(),
            Self::EngineDefault => {
                bail!("--under default is an engine's own filter, and a command runs without one")
            }
            Self::File { path, .. } => {
                profile::read_whole(Path::new(path), &Container::default())?.profile
            }
        })
    }

    pub(super) fn facts(&self) -> Filter {
        let name: Text = match self {
            Self::Open => "open".into(),
            Self::EngineDefault => "engine-default".into(),
            Self::File { path, .. } => path.as_str().into(),
        };
        Filter {
            name,
            sha256: self.json().map(sha256),
        }
    }
}

/// Lower-case hex.
pub(in crate::commands) fn sha256(text: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text) {
        write!(hex, "{byte:02x}").expect("a String takes all");
    }
    hex
}
