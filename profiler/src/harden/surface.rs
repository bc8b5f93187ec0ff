//! How much of the kernel a filter leaves in reach, beside what the engine's default does.

use std::collections::BTreeSet;

use profiler_common::Abi;
use schemars::JsonSchema;
use serde::Serialize;

use crate::names;
use crate::profile::Profile;
use crate::risk;

/// The baseline is Docker's default profile for a container with the default capabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Surface {
    /// How many calls the filter allows, with whatever arguments.
    pub calls: usize,
    /// How many of x86_64's calls the baseline allows, with whatever arguments.
    pub calls_by_default: usize,
    /// Faults of the kernel in reach under the baseline, and no more: by none of a fault's calls.
    pub cves_out_of_reach: Vec<String>,
    /// In reach still.
    pub cves_in_reach: Vec<InReach>,
    /// Out of reach under the baseline already.
    pub cves_refused_by_default: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InReach {
    pub cve: String,
    /// The calls that are allowed, of those by any of which it could be reached.
    pub calls: Vec<String>,
}

impl Surface {
    pub fn of(profile: &Profile) -> Self {
        let allowed = profile.allowed();
        let ours = |call: &&str| names::number(Abi::X86_64, call).is_some();
        let by_default = names::syscalls().into_iter().filter(ours);
        let mut surface = Self {
            calls: allowed.len(),
            calls_by_default: by_default.filter(|call| risk::docker_allows(call)).count(),
            cves_out_of_reach: Vec::new(),
            cves_in_reach: Vec::new(),
            cves_refused_by_default: 0,
        };
        for fault in risk::faults() {
            let calls = reaching(fault.calls, &allowed);
            if !calls.is_empty() {
                let cve = fault.id.to_owned();
                surface.cves_in_reach.push(InReach { cve, calls });
            } else if fault.calls.iter().any(|call| risk::docker_allows(call)) {
                surface.cves_out_of_reach.push(fault.id.to_owned());
            } else {
                surface.cves_refused_by_default += 1;
            }
        }
        surface
    }
}

fn reaching(calls: &[String], allowed: &BTreeSet<&str>) -> Vec<String> {
    let reaching = calls.iter().filter(|call| allowed.contains(call.as_str()));
    reaching.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::Surface;

    /// setsockopt for CVE-2016-8655, epoll_wait for CVE-2011-1082; mount and bpf are for nobody.
    #[test]
    fn a_fault_is_in_reach_by_any_of_its_calls() {
        let profile = serde_json::from_str(
            r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read", "epoll_wait"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["setsockopt"], "action": "SCMP_ACT_ERRNO"}]}"#,
        );
        let surface = Surface::of(&profile.unwrap());
        assert_eq!(surface.calls, 2);
        assert!(surface.calls_by_default > 200 && surface.calls_by_default < 400);
        let in_reach = surface.cves_in_reach.iter();
        let in_reach: Vec<_> = in_reach
            .map(|one| (&*one.cve, one.calls.join(" ")))
            .collect();
        assert_eq!(in_reach, [("CVE-2011-1082", "epoll_wait".to_owned())]);
        let out = |cve: &str| surface.cves_out_of_reach.iter().any(|one| one == cve);
        assert!(out("CVE-2016-8655"));
        // Docker's default refuses bpf and mount itself.
        assert!(!out("CVE-2016-2383") && !out("CVE-2014-5207"));
        assert_eq!(
            1 + surface.cves_out_of_reach.len() + surface.cves_refused_by_default,
            crate::risk::faults().count()
        );
    }
}
