//! What the user may have meant by a name.

use crate::names::{CAPABILITIES, syscalls};
use crate::recording::Recording;

/// Some names are those of a call and of a capability (`kill`, `setuid`): both are wanted then.
pub(super) struct Wanted {
    pub(super) call: Option<String>,
    /// With `CAP_`.
    pub(super) capability: Option<String>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no call and no capability is named {name:?}{}", did_you_mean(.nearest.as_deref()))]
pub struct UnknownName {
    name: String,
    nearest: Option<String>,
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

impl Wanted {
    /// A number is the name of what has none. The recording's own names count too: a newer recorder
    /// may know more.
    pub(super) fn parse(name: &str, recording: &Recording) -> Result<Self, UnknownName> {
        let lower = name.to_ascii_lowercase();
        let with_cap = match lower.strip_prefix("cap_") {
            Some(_) => name.to_ascii_uppercase(),
            None => format!("CAP_{}", name.to_ascii_uppercase()),
        };
        let is_number = name.parse::<i64>().is_ok();
        let is_call = is_number
            || syscalls().contains(lower.as_str())
            || super::calls::has(recording, &lower);
        let capability = if super::capabilities::has(recording, name) {
            Some(name.to_owned())
        } else {
            CAPABILITIES
                .contains(&with_cap.as_str())
                .then_some(with_cap)
        };
        if !is_call && capability.is_none() {
            return Err(UnknownName {
                nearest: nearest(&lower),
                name: name.to_owned(),
            });
        }
        Ok(Self {
            call: is_call.then_some(lower),
            capability,
        })
    }
}

/// What is so unlike that nobody would mistype it is none.
const LIKE_ENOUGH: f64 = 0.8;

fn nearest(lower: &str) -> Option<String> {
    let calls = syscalls().into_iter().map(str::to_owned);
    let capabilities = CAPABILITIES
        .iter()
        .flat_map(|name| [(*name).to_owned(), name.replace("CAP_", "")]);
    let likeness = |name: &String| strsim::jaro_winkler(lower, &name.to_ascii_lowercase());
    calls
        .chain(capabilities)
        .filter(|name| likeness(name) >= LIKE_ENOUGH)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}
