//! A Quadlet unit for Podman: whole, or as a drop-in beside one's own.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::{Hardening, Warning, text};
use crate::cli::RunOptions;

/// Podman refuses an image in upper case: a forgotten placeholder starts nothing.
const PLACEHOLDER: &str = "IMAGE";

/// A unit's command line runs in no folder that a relative path could start from
/// (<https://github.com/containers/podman/blob/v5.4.2/docs/source/markdown/podman-systemd.unit.5.md>).
pub(super) fn podman(hardening: &Hardening, warnings: &mut BTreeSet<Warning>) -> String {
    let name = hardening.name.as_str();
    let is_absolute = Path::new(&hardening.profile_path).is_absolute();
    let place = if is_absolute {
        hardening.profile_path.clone()
    } else {
        format!("/etc/containers/seccomp/{name}.json")
    };
    let image = hardening.image().unwrap_or_else(|| {
        warnings.insert(Warning::NoImage {
            format: "podman",
            placeholder: PLACEHOLDER,
        });
        PLACEHOLDER
    });
    let mut comments = vec![
        hardening.origin(),
        format!("The seccomp profile (--format oci) has to lie at {place}"),
        format!(
            "Use: as /etc/containers/systemd/{name}.container, or without Image= as a drop-in, {name}.container.d/profiler.conf"
        ),
    ];
    let internal = hardening.internal_network();
    if let Some(network) = &internal {
        comments.push(format!(
            "Its network has to be there: podman network create --internal {network}"
        ));
    }
    comments.extend(hardening.notes());
    let mut unit = text::comments(&comments);
    let _ = writeln!(unit, "[Container]\nImage={image}");
    // systemd puts its own values where a % stands.
    let _ = writeln!(unit, "SeccompProfile={}", place.replace('%', "%%"));
    if hardening.no_new_privileges {
        unit.push_str("NoNewPrivileges=true\n");
    }
    if let Some(list) = &hardening.capabilities {
        for name in &list.drop {
            let _ = writeln!(unit, "DropCapability={}", name.to_lowercase());
        }
        if !list.add.is_empty() {
            let names: Vec<String> = list.add.iter().map(|name| format!("CAP_{name}")).collect();
            let _ = writeln!(unit, "AddCapability={}", names.join(" "));
        }
    }
    if let Some(network) = &internal {
        let _ = writeln!(unit, "Network={network}");
    }
    options(&mut unit, &hardening.options);
    unit
}

/// In a section [Container].
fn options(unit: &mut String, options: &RunOptions) {
    let plain = |text: &str| text.replace('%', "%%");
    if options.read_only {
        // Else Podman mounts some of its own.
        unit.push_str("ReadOnly=true\nReadOnlyTmpfs=false\n");
    }
    for tmpfs in &options.tmpfs {
        let _ = writeln!(unit, "Tmpfs={}", plain(tmpfs));
    }
    for volume in &options.volume {
        let _ = writeln!(unit, "Volume={}", plain(volume));
    }
    if let Some(user) = &options.user {
        let (user, group) = user
            .split_once(':')
            .map_or((user.as_str(), None), |(u, g)| (u, Some(g)));
        let _ = writeln!(unit, "User={}", plain(user));
        if let Some(group) = group {
            let _ = writeln!(unit, "Group={}", plain(group));
        }
    }
    if let Some(memory) = &options.memory {
        let _ = writeln!(unit, "PodmanArgs=--memory {}", plain(memory));
    }
    if let Some(limit) = options.pids_limit {
        let _ = writeln!(unit, "PidsLimit={limit}");
    }
    for limit in &options.ulimit {
        let _ = writeln!(unit, "Ulimit={}", plain(limit));
    }
    if options.network.as_deref() == Some("none") {
        unit.push_str("Network=none\n");
    }
}
