//! A Compose override file: laid over the project's own, it confines one service.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Hardening, Warning, text};

#[derive(Serialize)]
struct Project<'a> {
    services: BTreeMap<&'a str, Service<'a>>,
}

#[derive(Serialize)]
struct Service<'a> {
    security_opt: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cap_drop: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cap_add: &'a [String],
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
    let profile = hardening.profile_path.replace('$', "$$");
    let mut security_opt = vec![format!("seccomp={profile}")];
    if hardening.no_new_privileges {
        security_opt.push("no-new-privileges:true".to_owned());
    }
    let list = hardening.capabilities.as_ref();
    let service = Service {
        security_opt,
        cap_drop: list.map_or(&[], |list| &list.drop),
        cap_add: list.map_or(&[], |list| &list.add),
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
    comments.extend(hardening.notes());
    let services = BTreeMap::from([(name.as_str(), service)]);
    text::yaml(&comments, &Project { services })
}
