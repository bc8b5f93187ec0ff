//! What this machine's libseccomp makes of a profile.

use std::collections::BTreeSet;

use crate::profile::compile::{CompileError, compile};
use crate::profile::deviation::deviations;
use crate::profile::evaluate::Evaluator;
use crate::profile::{Profile, Runtime};
use crate::words::list;

/// What a container that is started here would find out.
pub(super) fn about(profile: &Profile) -> anyhow::Result<Vec<String>> {
    let compiled = match compile(profile) {
        Ok(compiled) => compiled,
        Err(error @ CompileError::Library(_)) => {
            log::debug!("the profile was not compiled: {error}");
            return Ok(Vec::new());
        }
        Err(error) => return Ok(vec![error.to_string()]),
    };
    let version = &compiled.library_version;
    let mut warnings = Vec::new();
    let allowed = profile.syscalls.iter().filter(|r| r.lets_through());
    let allowed: BTreeSet<&String> = allowed.flat_map(|rule| &rule.names).collect();
    let unknown: BTreeSet<&str> = compiled
        .unknown
        .iter()
        .filter(|name| allowed.contains(name))
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        warnings.push(format!(
            "libseccomp {version} of this machine does not know {}: what is started here is refused that",
            list(unknown)
        ));
    }
    let evaluator = Evaluator::without(&compiled.unknown, profile, Runtime::Runc1_1)?;
    let deviations = deviations(profile, &evaluator, &compiled.program)?;
    warnings.extend(deviations.into_iter().map(|deviation| {
        format!(
            "libseccomp {version} of this machine compiles the profile to another: it {deviation}"
        )
    }));
    Ok(warnings)
}
