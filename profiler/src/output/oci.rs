//! The seccomp profile as Docker and Podman load it.

use crate::profile::Profile;

/// The engines' own format: what the runtime specification has, and comments.
pub fn oci(profile: &Profile) -> String {
    super::text::json(profile)
}
