//! What this machine's libseccomp makes of a profile.

use std::collections::BTreeSet;

use crate::profile::Profile;
use crate::profile::compile::{CompileError, compile};
use crate::words::list;

/// What a container that is started here would find out.
pub(super) fn about(profile: &Profile) -> Option<String> {
    let compiled = match compile(profile) {
        Ok(compiled) => compiled,
        Err(error @ CompileError::Library(_)) => {
            log::debug!("the profile was not compiled: {error}");
            return None;
        }
        Err(error) => return Some(error.to_string()),
    };
    let allowed = profile.syscalls.iter().filter(|r| r.lets_through());
    let allowed: BTreeSet<&String> = allowed.flat_map(|rule| &rule.names).collect();
    let unknown: BTreeSet<&str> = compiled
        .unknown
        .iter()
        .filter(|name| allowed.contains(name))
        .map(String::as_str)
        .collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "libseccomp {} of this machine does not know {}: what is started here is refused that",
            compiled.library_version,
            list(unknown)
        )
    })
}
