//! How files of ours begin: what they are, and in which version.

use serde::Deserialize;

/// Read before the rest, and without it: of a newer version nobody knows what the rest is.
#[derive(Debug, Deserialize)]
pub struct Head {
    format: Option<String>,
    version: Option<u64>,
}

impl Head {
    /// Of a text that is one JSON object.
    pub fn read(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text)
    }

    pub fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// Its version, where `known` is an older one.
    pub fn newer_than(&self, known: u32) -> Option<u64> {
        self.version.filter(|&version| version > u64::from(known))
    }
}
