//! One of the two that are compared.

use std::collections::BTreeSet;

use crate::capabilities::CapabilityList;
use crate::generator::{self, GenerateError, Options};
use crate::profile::Profile;
use crate::recording::{ARCHITECTURES, Recording};

/// What it says; a recording says all three.
#[derive(Clone, Debug, Default)]
pub struct Side {
    pub(super) profile: Option<Profile>,
    /// Without `CAP_`.
    pub(super) capabilities: Option<BTreeSet<String>>,
    pub(super) recording: Option<Recording>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SideError {
    #[error("it is for {0} alone, and what is compared is what x86_64 answers")]
    ForeignArchitecture(String),
    #[error(transparent)]
    Recording(#[from] GenerateError),
}

impl Side {
    pub fn of_profile(profile: Profile) -> Result<Self, SideError> {
        let listed = &profile.architectures;
        let is_ours = |name: &String| ARCHITECTURES.contains(&name.as_str());
        if !listed.is_empty() && !listed.iter().any(is_ours) {
            return Err(SideError::ForeignArchitecture(crate::words::list(listed)));
        }
        Ok(Self {
            profile: Some(profile),
            ..Self::default()
        })
    }

    pub fn of_list(list: CapabilityList) -> Self {
        Self {
            capabilities: Some(list.add.into_iter().collect()),
            ..Self::default()
        }
    }

    /// As `generate` has it, without options; its warnings are not repeated here.
    pub fn of_recording(recording: Recording) -> Result<Self, SideError> {
        let recordings = [recording];
        let (profile, _) = generator::generate(&recordings, Options::default())?;
        let capabilities = match generator::capabilities(&recordings, None) {
            Ok((list, _)) => Some(list.add.into_iter().collect()),
            Err(GenerateError::CapabilitiesNotObserved) => None,
            Err(error) => return Err(error.into()),
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

    /// Where it was recorded.
    pub fn kernel(&self) -> Option<&str> {
        Some(&self.recording.as_ref()?.host.kernel)
    }
}
