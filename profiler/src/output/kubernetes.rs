//! A Pod whose container has the security context, and a policy where its network is less than others'.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Hardening, Warning, text};
use crate::cli::RunOptions;

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

/// What network plugin there is has to know such policies
/// (<https://github.com/kubernetes/website/blob/snapshot-initial-v1.33/content/en/docs/concepts/services-networking/network-policies.md>).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Policy<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: PolicySpec<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicySpec<'a> {
    pod_selector: Selector<'a>,
    policy_types: &'static [&'static str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    egress: Vec<Egress<'a>>,
}

#[derive(Serialize)]
struct Egress<'a> {
    to: [Peer<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Peer<'a> {
    pod_selector: Selector<'a>,
}

/// Without labels: every Pod of the namespace.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Selector<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    match_labels: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct Spec<'a> {
    containers: [Container<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<Volume>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    name: &'a str,
    image: &'a str,
    security_context: SecurityContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Resources>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volume_mounts: Vec<VolumeMount>,
}

#[derive(Serialize)]
struct Resources {
    limits: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VolumeMount {
    name: String,
    mount_path: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    name: String,
    empty_dir: EmptyDir,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EmptyDir {
    #[serde(skip_serializing_if = "Option::is_none")]
    medium: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_limit: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityContext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_privilege_escalation: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<Capabilities<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only_root_filesystem: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_non_root: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_user: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_group: Option<u32>,
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
    let options = &hardening.options;
    let [user, group] = numbers(options);
    let (volume_mounts, volumes) = volumes(options).unzip();
    let policy = policy(hardening, &name);
    let pod = Pod {
        api_version: "v1",
        kind: "Pod",
        metadata: Metadata {
            name: &name,
            labels: policy.iter().flat_map(|_| label(&name)).collect(),
        },
        spec: Spec {
            containers: [Container {
                name: &name,
                image,
                security_context: SecurityContext {
                    allow_privilege_escalation: hardening.no_new_privileges.then_some(false),
                    capabilities,
                    read_only_root_filesystem: options.read_only.then_some(true),
                    run_as_non_root: user.filter(|user| *user != 0).map(|_| true),
                    run_as_user: user,
                    run_as_group: group,
                    seccomp_profile: SeccompProfile {
                        r#type: "Localhost",
                        localhost_profile: &place,
                    },
                },
                resources: memory(options).map(|memory| Resources {
                    limits: BTreeMap::from([("memory", memory)]),
                }),
                volume_mounts,
            }],
            volumes,
        },
    };
    let mut comments = vec![
        hardening.origin(),
        format!(
            "The seccomp profile (--format oci) has to lie on each node, below the kubelet's seccomp folder: /var/lib/kubelet/seccomp/{place}"
        ),
        "For a Deployment, StatefulSet or DaemonSet: the same securityContext, in spec.template.spec.containers.".to_owned(),
    ];
    if options.volume.iter().any(|volume| volume.contains(':')) {
        comments.push(
            "What is to outlive the Pod needs a persistentVolumeClaim in place of its emptyDir."
                .to_owned(),
        );
    }
    if policy.is_some() {
        comments.push(
            "The NetworkPolicy does nothing where the cluster's network plugin knows none."
                .to_owned(),
        );
    }
    comments.extend(hardening.notes());
    let pod = text::yaml(&comments, &pod);
    match policy {
        Some(policy) => pod + "---\n" + &text::yaml(&[], &policy),
        None => pod,
    }
}

fn label(name: &str) -> BTreeMap<&'static str, &str> {
    BTreeMap::from([("app.kubernetes.io/name", name)])
}

/// An internal network lets it reach its neighbours, and none nobody.
fn policy<'a>(hardening: &Hardening, name: &'a str) -> Option<Policy<'a>> {
    let (policy_types, egress): (&[_], _) = if hardening.internal_network {
        let neighbours = Peer {
            pod_selector: Selector {
                match_labels: BTreeMap::new(),
            },
        };
        (&["Egress"], vec![Egress { to: [neighbours] }])
    } else if hardening.options.network.as_deref() == Some("none") {
        (&["Ingress", "Egress"], Vec::new())
    } else {
        return None;
    };
    Some(Policy {
        api_version: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: Metadata {
            name,
            labels: BTreeMap::new(),
        },
        spec: PolicySpec {
            pod_selector: Selector {
                match_labels: label(name),
            },
            policy_types,
            egress,
        },
    })
}

/// Of a user and a group that are given as numbers: a Pod knows no names.
fn numbers(options: &RunOptions) -> [Option<u32>; 2] {
    let given = options.user.as_deref().unwrap_or_default();
    let (user, group) = given.split_once(':').unwrap_or((given, ""));
    [user, group].map(|number| number.parse().ok())
}

/// docker's `32m` is Kubernetes' `32Mi`.
fn memory(options: &RunOptions) -> Option<String> {
    let memory = options.memory.as_deref()?;
    let mib = memory.strip_suffix('m')?;
    Some(format!("{mib}Mi"))
}

/// A tmpfs or a volume each.
fn volumes(options: &RunOptions) -> impl Iterator<Item = (VolumeMount, Volume)> {
    let temporary = options.tmpfs.iter().map(|tmpfs| {
        let (path, flags) = tmpfs.split_once(':').unwrap_or((tmpfs, ""));
        let size = flags
            .split(',')
            .find_map(|flag| flag.strip_prefix("size=")?.strip_suffix('m'));
        let empty_dir = EmptyDir {
            medium: Some("Memory"),
            size_limit: size.map(|mib| format!("{mib}Mi")),
        };
        (path, empty_dir)
    });
    let lasting = options.volume.iter().filter_map(|volume| {
        let (_, path) = volume.split_once(':')?;
        let empty_dir = EmptyDir {
            medium: None,
            size_limit: None,
        };
        Some((path, empty_dir))
    });
    temporary
        .chain(lasting)
        .enumerate()
        .map(|(ordinal, (path, empty_dir))| {
            let name = format!("writable-{}", ordinal + 1);
            let mount = VolumeMount {
                name: name.clone(),
                mount_path: path.to_owned(),
            };
            (mount, Volume { name, empty_dir })
        })
}
