//! One of the two that are compared.

use std::collections::BTreeSet;

use crate::capabilities::CapabilityList;
use crate::generator::{self, GenerateError, Options};
use crate::profile::Profile;
use crate::recording::Recording;

/// What it says; a recording says all three.
#[derive(Clone, Debug, Default)]
pub struct Side {
    pub(super) profile: Option<Profile>,
    /// Without `CAP_`.
    pub(super) capabilities: Option<BTreeSet<String>>,
    pub(super) recording: Option<Recording>,
}

impl Side {
    pub fn of_profile(profile: Profile) -> Self {
        Self {
            profile: Some(profile),
            ..Self::default()
        }
    }

    pub fn of_list(list: CapabilityList) -> Self {
        Self {
            capabilities: Some(list.add.into_iter().collect()),
            ..Self::default()
        }
    }

    /// As `generate` has it, without options; its warnings are not repeated here.
    pub fn of_recording(recording: Recording) -> Result<Self, GenerateError> {
        let recordings = [recording];
        let (profile, _) = generator::generate(&recordings, Options::default())?;
        let capabilities = match generator::capabilities(&recordings, None) {
            Ok((list, _)) => Some(list.add.into_iter().collect()),
            Err(GenerateError::CapabilitiesNotObserved) => None,
            Err(error) => return Err(error),
        };
        let [recording] = recordings;
        Ok(Self {
            profile: Some(profile),
            capabilities,
            recording: Some(recording),
        })
    }

    /// That of which a recording keeps; `None`: it is no recording, or they were not observed.
    pub fn kept(&self) -> Option<Vec<String>> {
        let kept = self.capabilities.as_ref()?;
        Some(kept.iter().cloned().collect())
    }

    /// When its first and its last run began.
    pub(super) fn began(&self) -> Option<(&str, &str)> {
        let started = self.recording.as_ref()?.runs.iter();
        let started = started.map(|run| run.started.as_str());
        started.clone().min().zip(started.max())
    }

    /// Where it was recorded.
    pub fn kernel(&self) -> Option<&str> {
        Some(&self.recording.as_ref()?.host.kernel)
    }
}
