//! A SeccompProfile of the Security Profiles Operator.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_saphyr::Commented;

use super::{Hardening, Warning, text};
use crate::profile::{Action, Comparison, Rule};

const FORMAT: &str = "spo";

/// What runtimes answer where a profile names no errno, and the operator's has no place for one
/// (<https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#seccomp>).
const EPERM: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeccompProfile<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    default_action: Action,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    architectures: &'a [String],
    syscalls: Vec<Syscall<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Syscall<'a> {
    /// With the rule's reason beside it.
    action: Commented<Action>,
    names: BTreeSet<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno_ret: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    args: &'a [Comparison],
}

/// Of version v1beta1, which is served beside v1 and has the same fields
/// (<https://github.com/kubernetes-sigs/security-profiles-operator/blob/v1.0.0/deploy/base-crds/crds/seccompprofile.yaml>).
pub(super) fn spo(hardening: &Hardening, warnings: &mut BTreeSet<Warning>) -> String {
    let profile = &hardening.profile;
    let mut comments = vec![
        hardening.origin(),
        "A Pod names it as its status.localhostProfile says; the rest of the securityContext: --format kubernetes.".to_owned(),
    ];
    if hardening.no_new_privileges {
        comments.push(
            "It was recorded with no-new-privileges: give its containers allowPrivilegeEscalation: false.".to_owned(),
        );
    }
    let too_large: BTreeSet<String> = profile
        .syscalls
        .iter()
        .filter(|rule| !fits(rule))
        .flat_map(|rule| rule.names.iter().cloned())
        .collect();
    if !too_large.is_empty() {
        let warning = Warning::Arguments {
            format: FORMAT,
            in_part: true,
            names: too_large,
        };
        comments.push(warning.to_string());
        warnings.insert(warning);
    }
    // A refusal that cannot be told from others would refuse too much.
    let rules = profile
        .syscalls
        .iter()
        .filter(|rule| fits(rule) || rule.action == Action::Allow);
    let default_errno = profile.default_errno_ret.unwrap_or(EPERM);
    if profile.default_action == Action::Errno && default_errno != EPERM {
        warnings.insert(Warning::Action {
            format: FORMAT,
            action: format!("answer errno {default_errno} by default"),
            instead: "the answer is EPERM",
        });
    }
    let whole = SeccompProfile {
        api_version: "security-profiles-operator.x-k8s.io/v1beta1",
        kind: "SeccompProfile",
        metadata: Metadata {
            name: hardening.name.dns_label(),
        },
        spec: Spec {
            default_action: profile.default_action,
            architectures: &profile.architectures,
            syscalls: rules.map(syscall).collect(),
        },
    };
    text::yaml(&comments, &whole)
}

fn syscall(rule: &Rule) -> Syscall<'_> {
    let why = rule.comment.as_deref().unwrap_or_default();
    Syscall {
        action: Commented(rule.action, text::one_line(why)),
        names: rule.names.iter().map(String::as_str).collect(),
        errno_ret: rule.errno_ret,
        args: if fits(rule) { &rule.args } else { &[] },
    }
}

/// The operator's numbers are signed.
fn fits(rule: &Rule) -> bool {
    let fits = |number: u64| i64::try_from(number).is_ok();
    rule.args
        .iter()
        .all(|comparison| fits(comparison.value) && fits(comparison.value_two))
}
