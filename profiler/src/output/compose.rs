//! A Compose override file: laid over the project's own, it confines one service.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Hardening, Warning, text};

#[derive(Serialize)]
struct Project<'a> {
    services: BTreeMap<&'a str, Service<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    volumes: BTreeMap<&'a str, Volume<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    networks: BTreeMap<String, Network>,
}

#[derive(Serialize)]
struct Service<'a> {
    security_opt: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cap_drop: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cap_add: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tmpfs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mem_limit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids_limit: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ulimits: BTreeMap<&'a str, Ulimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
}

#[derive(Serialize)]
struct Ulimit {
    soft: i64,
    hard: i64,
}

/// Of the project: Compose takes no network that others made for one of its own.
#[derive(Serialize)]
struct Network {
    internal: bool,
}

/// By its own name, as `docker run` knows it, and not the project's.
#[derive(Serialize)]
struct Volume<'a> {
    name: &'a str,
}

/// The profile's path is relative to the project's folder.
pub(super) fn compose(hardening: &Hardening, warnings: &mut BTreeSet<Warning>) -> String {
    let name = &hardening.name;
    if !name.is_known() {
        warnings.insert(Warning::NoService {
            name: name.as_str().to_owned(),
        });
    }
    // Compose puts the environment's values where a $ stands.
    let plain = |text: &String| text.replace('$', "$$");
    let profile = plain(&hardening.profile_path);
    let options = &hardening.options;
    let mut security_opt = vec![format!("seccomp={profile}")];
    if hardening.no_new_privileges {
        security_opt.push("no-new-privileges:true".to_owned());
    }
    let internal = hardening.internal_network();
    let list = hardening.capabilities.as_ref();
    let service = Service {
        security_opt,
        cap_drop: list.map_or(&[], |list| &list.drop),
        cap_add: list.map_or(&[], |list| &list.add),
        read_only: options.read_only,
        tmpfs: options.tmpfs.iter().map(plain).collect(),
        volumes: options.volume.iter().map(plain).collect(),
        user: options.user.as_ref().map(plain),
        mem_limit: options.memory.as_deref(),
        pids_limit: options.pids_limit,
        ulimits: options
            .ulimit
            .iter()
            .filter_map(|limit| ulimit(limit))
            .collect(),
        // Other networks are the project's own.
        network_mode: (options.network.as_deref() == Some("none")).then_some("none"),
        networks: internal.iter().cloned().collect(),
    };
    let mut comments = vec![
        hardening.origin(),
        "Use: docker compose -f compose.yaml -f compose.override.yaml up".to_owned(),
    ];
    if list.is_some() {
        comments.push(
            "Compose adds up cap_add of both files: take it out of the first one.".to_owned(),
        );
    }
    if let Some(network) = &internal {
        comments.push(format!(
            "Compose adds up networks of both files: take them out of the first one, with the ports, which do not get out of this one. What talks to {} needs {network} too.",
            name.as_str()
        ));
    }
    comments.extend(hardening.notes());
    let services = BTreeMap::from([(name.as_str(), service)]);
    let volumes = options
        .volume
        .iter()
        .filter_map(|volume| named(volume))
        .collect();
    let networks = internal
        .into_iter()
        .map(|network| (network, Network { internal: true }))
        .collect();
    let project = Project {
        services,
        volumes,
        networks,
    };
    text::yaml(&comments, &project)
}

fn ulimit(limit: &str) -> Option<(&str, Ulimit)> {
    let (name, limits) = limit.split_once('=')?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (soft.parse().ok()?, hard.parse().ok()?);
    Some((name, Ulimit { soft, hard }))
}

/// Neither a path of the host nor without a name.
fn named(volume: &str) -> Option<(&str, Volume<'_>)> {
    let (name, _) = volume.split_once(':')?;
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        .then_some((name, Volume { name }))
}
