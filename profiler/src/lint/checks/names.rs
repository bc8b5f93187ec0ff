//! Names that mean nothing: of calls, of capabilities, of kernels.

use crate::lint::document::{Conditions, Document, Located, Rule};
use crate::lint::finding::Found;
use crate::lint::rules::{RuleId, Severity};
use crate::lint::words::{did_you_mean, quoted};
use crate::names::{CAPABILITIES, LibseccompVersion, known_to_libseccomp, libseccomp_since};

pub(super) fn check(
    document: &Document,
    target: Option<LibseccompVersion>,
    found: &mut Vec<Found>,
) {
    for (rule, name) in document.entries() {
        found.extend(syscall(rule, name, target));
    }
    for rule in &document.rules {
        for conditions in [&rule.includes, &rule.excludes] {
            check_conditions(conditions, found);
        }
    }
}

fn syscall(
    rule: &Rule,
    name: &Located<String>,
    target: Option<LibseccompVersion>,
) -> Option<Found> {
    if name.value.is_empty() {
        let found = Found::new(
            RuleId::EmptyRule,
            &name.at,
            "an empty name: runc refuses the profile",
        );
        return Some(
            found
                .severity(Severity::Error)
                .remove(rule.removal_of(name)),
        );
    }
    let Some(since) = libseccomp_since(&name.value) else {
        let meant = did_you_mean(&name.value, known_to_libseccomp());
        let message = format!("no kernel has a call {}{meant}", quoted(&name.value));
        return Some(Found::new(RuleId::UnknownSyscall, &name.at, message));
    };
    let target = target.filter(|target| *target < since)?;
    let call = &name.value;
    let (effect, severity) = if rule.lets_through() {
        ("stays refused", Severity::Warning)
    } else {
        ("gets the default's answer", Severity::Note)
    };
    let message =
        format!("libseccomp {target} does not know {call} ({since} does), so it {effect}");
    Some(Found::new(RuleId::NewerLibseccomp, &name.at, message).severity(severity))
}

fn check_conditions(conditions: &Conditions, found: &mut Vec<Found>) {
    for capability in &conditions.capabilities {
        if !CAPABILITIES.contains(&capability.value.as_str()) {
            let meant = did_you_mean(&capability.value, CAPABILITIES);
            let message = format!(
                "no kernel has a capability {}{meant}",
                quoted(&capability.value)
            );
            found.push(Found::new(
                RuleId::UnknownCapability,
                &capability.at,
                message,
            ));
        }
    }
    if let Some(version) = &conditions.min_kernel
        && !is_kernel_version(&version.value)
    {
        let message = format!(
            "{} is no kernel version as Docker takes it",
            quoted(&version.value)
        );
        found.push(Found::new(RuleId::BadKernelVersion, &version.at, message));
    }
}

/// Docker reads two numbers of eight bits; nothing at all is no condition.
fn is_kernel_version(version: &str) -> bool {
    let Some((kernel, major)) = version.split_once('.') else {
        return version.is_empty();
    };
    let number = |text: &str| text.parse::<u8>().ok().filter(|_| !text.starts_with('+'));
    matches!((number(kernel), number(major)), (Some(k), Some(m)) if (k, m) != (0, 0))
}

#[cfg(test)]
mod tests {
    use super::is_kernel_version;

    #[test]
    fn kernel_versions_are_two_small_numbers() {
        for good in ["4.8", "5.10", "0.1", ""] {
            assert!(is_kernel_version(good), "{good}");
        }
        for bad in ["4", "4.8.1", "4.x", "256.0", "0.0", "+4.8", "4.8-rc1"] {
            assert!(!is_kernel_version(bad), "{bad}");
        }
    }
}
