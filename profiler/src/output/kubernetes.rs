//! A Pod whose container has the security context.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Hardening, Warning, text};

/// Nothing can be pulled by it: a forgotten placeholder starts nothing.
const PLACEHOLDER: &str = "IMAGE";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pod<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Spec<'a> {
    containers: [Container<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    name: &'a str,
    image: &'a str,
    security_context: SecurityContext<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityContext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_privilege_escalation: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<Capabilities<'a>>,
    seccomp_profile: SeccompProfile<'a>,
}

#[derive(Serialize)]
struct Capabilities<'a> {
    drop: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    add: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeccompProfile<'a> {
    r#type: &'static str,
    localhost_profile: &'a str,
}

/// The kubelet takes only what lies below its own folder, so the place is not the user's to choose
/// (<https://kubernetes.io/docs/tutorials/security/seccomp/>).
pub(super) fn kubernetes(hardening: &Hardening, warnings: &mut BTreeSet<Warning>) -> String {
    let name = hardening.name.dns_label();
    let place = format!("profiles/{name}.json");
    let image = hardening.image().unwrap_or_else(|| {
        warnings.insert(Warning::NoImage {
            format: "kubernetes",
            placeholder: PLACEHOLDER,
        });
        PLACEHOLDER
    });
    let capabilities = hardening.capabilities.as_ref().map(|list| Capabilities {
        drop: &list.drop,
        add: &list.add,
    });
    let pod = Pod {
        api_version: "v1",
        kind: "Pod",
        metadata: Metadata { name: &name },
        spec: Spec {
            containers: [Container {
                name: &name,
                image,
                security_context: SecurityContext {
                    allow_privilege_escalation: hardening.no_new_privileges.then_some(false),
                    capabilities,
                    seccomp_profile: SeccompProfile {
                        r#type: "Localhost",
                        localhost_profile: &place,
                    },
                },
            }],
        },
    };
    let mut comments = vec![
        hardening.origin(),
        format!(
            "The seccomp profile (--format oci) has to lie on each node, below the kubelet's seccomp folder: /var/lib/kubelet/seccomp/{place}"
        ),
        "For a Deployment, StatefulSet or DaemonSet: the same securityContext, in spec.template.spec.containers.".to_owned(),
    ];
    comments.extend(hardening.notes());
    text::yaml(&comments, &pod)
}
