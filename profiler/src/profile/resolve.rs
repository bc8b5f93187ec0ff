//! A profile as container engines take it, and what they make of it for a container before a runtime
//! sees it: architectures by the machine's, rules by their conditions.
//!
//! For an x86_64 machine, as the evaluator is
//! (<https://github.com/moby/profiles/blob/seccomp/v0.1.0/seccomp/seccomp_linux.go>).

use serde::{Deserialize, Deserializer, de};

use super::container::{Container, KernelVersion};
use super::{Action, Comparison, NATIVE, Profile, Rule};

/// In conditions, the machine's architecture.
const NATIVE_IN_CONDITIONS: &str = "amd64";

/// An engine reads a `null` as if it were not there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unresolved {
    default_action: Action,
    default_errno_ret: Option<u32>,
    #[serde(default, deserialize_with = "or_none")]
    architectures: Vec<String>,
    #[serde(default, deserialize_with = "or_none")]
    arch_map: Vec<Mapped>,
    #[serde(default, deserialize_with = "or_none")]
    syscalls: Vec<ConditionalRule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mapped {
    architecture: String,
    #[serde(default, deserialize_with = "or_none")]
    sub_architectures: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConditionalRule {
    /// As it was written before `names`.
    name: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    names: Vec<String>,
    action: Action,
    errno_ret: Option<u32>,
    #[serde(default, deserialize_with = "or_none")]
    args: Vec<Comparison>,
    comment: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    includes: Conditions,
    #[serde(default, deserialize_with = "or_none")]
    excludes: Conditions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conditions {
    #[serde(default, deserialize_with = "or_none")]
    caps: Vec<String>,
    #[serde(default, deserialize_with = "or_none")]
    arches: Vec<String>,
    #[serde(default, deserialize_with = "kernel")]
    min_kernel: Option<KernelVersion>,
}

fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// An empty one is none.
fn kernel<'de, D: Deserializer<'de>>(from: D) -> Result<Option<KernelVersion>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(de::Error::custom))
        .transpose()
}

/// Two keys of which an engine takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} and {1:?} exclude each other")]
pub struct Exclusive(&'static str, &'static str);

impl Unresolved {
    pub(super) fn resolve(self, container: &Container) -> Result<Profile, Exclusive> {
        if !self.architectures.is_empty() && !self.arch_map.is_empty() {
            return Err(Exclusive("architectures", "archMap"));
        }
        let mut mapped = self.arch_map.into_iter();
        let native = mapped.find(|mapped| mapped.architecture == NATIVE);
        let native = native.into_iter().flat_map(|mapped| {
            let others = mapped.sub_architectures.into_iter();
            std::iter::once(mapped.architecture).chain(others)
        });
        let rules = self.syscalls.into_iter();
        let held = rules.filter(|rule| rule.is_held(container));
        Ok(Profile {
            default_action: self.default_action,
            default_errno_ret: self.default_errno_ret,
            architectures: self.architectures.into_iter().chain(native).collect(),
            syscalls: held.map(ConditionalRule::rule).collect::<Result<_, _>>()?,
        })
    }
}

impl ConditionalRule {
    /// All of what it includes, none of what it excludes.
    fn is_held(&self, container: &Container) -> bool {
        let Conditions {
            caps,
            arches,
            min_kernel,
        } = &self.includes;
        let is_native = |arches: &[String]| arches.iter().any(|arch| arch == NATIVE_IN_CONDITIONS);
        let runs_on = |oldest: KernelVersion| container.runs_on(oldest);
        let is_included = caps.iter().all(|name| container.has(name))
            && (arches.is_empty() || is_native(arches))
            && min_kernel.is_none_or(runs_on);
        let excludes = &self.excludes;
        let is_excluded = excludes.caps.iter().any(|name| container.has(name))
            || is_native(&excludes.arches)
            || excludes.min_kernel.is_some_and(runs_on);
        is_included && !is_excluded
    }

    fn rule(self) -> Result<Rule, Exclusive> {
        if self.name.is_some() && !self.names.is_empty() {
            return Err(Exclusive("name", "names"));
        }
        Ok(Rule {
            names: self.name.into_iter().chain(self.names).collect(),
            action: self.action,
            errno_ret: self.errno_ret,
            args: self.args,
            comment: self.comment.filter(|comment| !comment.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Exclusive, Unresolved};
    use crate::profile::{Container, Profile};

    fn resolve(json: &str, container: &Container) -> Result<Profile, Exclusive> {
        let profile: Unresolved = serde_json::from_str(json).unwrap();
        profile.resolve(container)
    }

    /// The names of the rules that hold, of one rule a condition.
    fn held(conditions: &[&str], container: &Container) -> Vec<bool> {
        let rule = |condition: &&str| {
            format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", {condition}}}"#)
        };
        let rules = conditions.iter().map(|condition| {
            let json = format!(
                r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{}]}}"#,
                rule(condition)
            );
            !resolve(&json, container).unwrap().syscalls.is_empty()
        });
        rules.collect()
    }

    #[test]
    fn rules_hold_where_their_conditions_do() {
        let conditions = [
            r#""includes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}"#,
            r#""includes": {"caps": ["CAP_CHOWN", "CAP_BPF"]}"#,
            r#""excludes": {"caps": ["CAP_BPF", "CAP_SYS_ADMIN"]}"#,
            r#""excludes": {"caps": ["CAP_BPF", "CAP_KILL"]}"#,
            r#""includes": {"arches": ["arm64", "amd64"]}"#,
            r#""includes": {"arches": ["arm64", "x32"]}"#,
            r#""excludes": {"arches": ["s390x"]}"#,
            r#""excludes": {"arches": ["amd64"]}"#,
            r#""includes": {"minKernel": "6.1"}"#,
            r#""includes": {"minKernel": "6.2"}"#,
            r#""excludes": {"minKernel": "6.1"}"#,
            r#""includes": {"minKernel": ""}, "excludes": null"#,
            r#""includes": {"caps": ["CAP_KILL"]}, "excludes": {"caps": ["CAP_CHOWN"]}"#,
        ];
        assert_eq!(
            held(&conditions, &Container::default().on("6.1.0-28-amd64")),
            [
                true, false, true, false, true, false, true, false, true, false, false, true, false
            ]
        );
    }

    #[test]
    fn architectures_are_those_of_the_machine() {
        let json = r#"{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [
            {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null},
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}]}"#;
        let resolved = resolve(json, &Container::default()).unwrap();
        assert_eq!(
            resolved.architectures,
            ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
        );
    }

    #[test]
    fn what_excludes_each_other_is_named() {
        let both = [
            (
                r#""architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86"}]"#,
                "\"architectures\" and \"archMap\" exclude each other",
            ),
            (
                r#""syscalls": [{"name": "read", "names": ["write"], "action": "SCMP_ACT_ALLOW"}]"#,
                "\"name\" and \"names\" exclude each other",
            ),
        ];
        for (keys, said) in both {
            let json = format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", {keys}}}"#);
            let error = resolve(&json, &Container::default()).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
    }
}
