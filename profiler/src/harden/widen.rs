//! What a run under the result was refused, allowed: exactly that, with its evidence.

use std::collections::BTreeSet;

use crate::capabilities::{CapabilityList, Decision};
use crate::profile::{Action, Profile, Rule};
use crate::verify::{Asker, Finding};
use crate::words::list;

/// Whether it was widened. What nothing allows (a start that failed, an exit code) stays.
pub fn widen(
    finding: &Finding,
    profile: &mut Profile,
    capabilities: Option<&mut CapabilityList>,
) -> bool {
    match finding {
        Finding::Denied {
            syscall,
            architecture,
            by,
            ..
        } => {
            // With other arguments than the rules for it allow.
            for rule in &mut profile.syscalls {
                rule.names.retain(|name| name != syscall);
            }
            profile.syscalls.retain(|rule| !rule.names.is_empty());
            profile.syscalls.push(Rule {
                names: vec![syscall.clone()],
                action: Action::Allow,
                errno_ret: None,
                args: Vec::new(),
                comment: Some(format!("refused while it was tried: to {}", who(by))),
            });
            if !profile.architectures.contains(architecture) {
                profile.architectures.push(architecture.clone());
            }
            true
        }
        Finding::CapabilityDenied {
            capability,
            syscalls,
            by,
            ..
        } => {
            let Some(capabilities) = capabilities else {
                return false;
            };
            capabilities.add.push(capability.clone());
            capabilities.add.sort_unstable();
            let asked = capabilities.asked_for(capability);
            asked.decision = Decision::Keep;
            asked.because = format!(
                "refused while it was tried: to {} in {}",
                who(by),
                list(syscalls)
            );
            true
        }
        Finding::Starts { .. } | Finding::ExitCode(_) | Finding::Lost(_) => false,
    }
}

fn who(by: &[Asker]) -> String {
    let names: BTreeSet<String> = by.iter().map(ToString::to_string).collect();
    list(names)
}

#[cfg(test)]
mod tests {
    use super::widen;
    use crate::capabilities::CapabilityList;
    use crate::profile::Profile;
    use crate::recording::Phase;
    use crate::verify::{Answer, Asker, Finding};

    fn profile() -> Profile {
        serde_json::from_str(
            r#"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}"#,
        )
        .unwrap()
    }

    fn by() -> Vec<Asker> {
        vec![Asker {
            phase: Phase::Workload,
            comm: "nginx".into(),
            exe: Some("/usr/sbin/nginx".into()),
        }]
    }

    #[test]
    fn a_call_is_allowed_with_any_arguments_and_nothing_else_is() {
        let mut widened = profile();
        let mut list: CapabilityList = serde_json::from_str(r#"{"add": []}"#).unwrap();
        let finding = Finding::Denied {
            syscall: "socket".into(),
            architecture: "SCMP_ARCH_X86".into(),
            answer: Answer::Errno(1),
            count: 1,
            by: by(),
        };
        assert!(widen(&finding, &mut widened, Some(&mut list)));
        let [read, socket] = widened.syscalls.as_slice() else {
            panic!("{widened:?}")
        };
        assert_eq!(*read, profile().syscalls[0]);
        assert!(socket.lets_through() && socket.args.is_empty());
        assert!(
            socket
                .comment
                .as_ref()
                .unwrap()
                .contains("nginx (/usr/sbin/nginx)")
        );
        assert_eq!(widened.architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
        assert!(list.add.is_empty());
    }

    #[test]
    fn a_capability_is_added_with_who_wanted_it() {
        let mut list: CapabilityList = serde_json::from_str(r#"{"add": ["SETUID"]}"#).unwrap();
        let finding = Finding::CapabilityDenied {
            capability: "CHOWN".into(),
            count: 2,
            syscalls: vec!["fchown".into()],
            by: by(),
        };
        let mut same = profile();
        assert!(widen(&finding, &mut same, Some(&mut list)));
        assert_eq!(list.add, ["CHOWN", "SETUID"]);
        assert!(list.asked["CHOWN"].because.contains("in fchown"));
        assert_eq!(same, profile());
    }

    #[test]
    fn a_failed_test_widens_nothing() {
        let (mut same, mut list) = (profile(), serde_json::from_str(r#"{"add": []}"#).unwrap());
        assert!(!widen(&Finding::ExitCode(1), &mut same, Some(&mut list)));
        assert_eq!(same, profile());
    }
}
