//! What confines a container: as the engine was told, and as the kernel has it.

use std::path::Path;

use bollard::models::HostConfig;

use crate::process_status;
use crate::recording::Text;

/// As the engine was told when the container was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    pub privileged: bool,
    pub seccomp: Seccomp,
    pub no_new_privileges: bool,
    /// With or without `CAP_`, in the user's case; `ALL` is one of them.
    pub cap_add: Vec<Text>,
    pub cap_drop: Vec<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seccomp {
    Unconfined,
    EngineDefault,
    /// A profile of its own: its JSON text.
    Own(String),
    /// A file of the engine's, or one that the engine no longer tells.
    Unknown,
}

/// What the kernel has of a container's first program. What it did to itself since (a filter, a
/// capability that it gave up) is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessFacts {
    /// On the host.
    pub pid: i32,
    /// 0 none, 1 strict, 2 with filters; `None` where the kernel has no seccomp.
    pub seccomp_mode: Option<u64>,
    pub no_new_privileges: bool,
    /// The bounding set, with `CAP_`.
    pub capabilities: Vec<String>,
}

impl ProcessFacts {
    /// `None`: gone, or the pid is not that container's.
    pub(super) fn read(pid: i32, container: &str) -> Option<Self> {
        let proc = Path::new("/proc").join(pid.to_string());
        let status = std::fs::read_to_string(proc.join("status")).ok()?;
        let memberships = std::fs::read(proc.join("cgroup")).ok()?;
        if !String::from_utf8_lossy(&memberships).contains(container) {
            return None;
        }
        Self::parse(pid, &status)
    }

    fn parse(pid: i32, status: &str) -> Option<Self> {
        let number = |name| process_status::field(status, name)?.parse::<u64>().ok();
        Some(Self {
            pid,
            seccomp_mode: number("Seccomp"),
            no_new_privileges: number("NoNewPrivs")? == 1,
            capabilities: process_status::capabilities(status, "CapBnd")?,
        })
    }
}

/// What the engine gives a container that asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Defaults {
    pub(super) seccomp: Seccomp,
    pub(super) no_new_privileges: bool,
}

impl Defaults {
    /// `options`: SecurityOptions of `docker info`. Docker 20.10 says `profile=default`, later
    /// ones `builtin`; a file's path is of the engine's file system, and of the time it started.
    /// Neither tells no-new-privileges before 23.0.
    pub(super) fn parse(options: &[String]) -> Self {
        let mut defaults = Self {
            // No word of seccomp: the engine or the kernel is without it.
            seccomp: Seccomp::Unconfined,
            no_new_privileges: false,
        };
        for option in options {
            let mut fields = option.split(',').filter_map(|field| field.split_once('='));
            match fields.next() {
                Some(("name", "seccomp")) => {
                    let profile = fields.find(|(key, _)| *key == "profile");
                    defaults.seccomp = match profile.map_or("default", |(_, profile)| profile) {
                        "default" | "builtin" => Seccomp::EngineDefault,
                        "unconfined" => Seccomp::Unconfined,
                        _ => Seccomp::Unknown,
                    };
                }
                Some(("name", "no-new-privileges")) => defaults.no_new_privileges = true,
                _ => {}
            }
        }
        defaults
    }
}

impl Confinement {
    /// Where the container runs, its first program's mode settles what engines differ in.
    pub(super) fn of(
        host: &HostConfig,
        defaults: Defaults,
        process: Option<&ProcessFacts>,
    ) -> Self {
        let privileged = host.privileged == Some(true);
        let mut asked = None;
        let mut no_new_privileges = defaults.no_new_privileges;
        for option in host.security_opt.iter().flatten() {
            match split(option) {
                ("seccomp", Some(profile)) => asked = Some(profile),
                ("no-new-privileges", value) => no_new_privileges = value != Some("false"),
                _ => {}
            }
        }
        let mode = process.and_then(|process| process.seccomp_mode);
        let seccomp = match asked {
            asked if mode == Some(0) || asked == Some("unconfined") => Seccomp::Unconfined,
            Some("default" | "builtin") if !privileged => Seccomp::EngineDefault,
            // Docker 20.10 ignores it where the container is privileged, 23.0 does not
            // (`WithSeccomp`, <https://github.com/moby/moby/blob/v23.0.0/daemon/seccomp_linux.go>).
            Some(profile)
                if profile.trim_start().starts_with('{') && (mode.is_some() || !privileged) =>
            {
                Seccomp::Own(profile.into())
            }
            // A path, as Podman keeps it.
            Some(_) => Seccomp::Unknown,
            None if privileged => Seccomp::Unconfined,
            None => defaults.seccomp,
        };
        Self {
            privileged,
            seccomp,
            no_new_privileges,
            cap_add: texts(host.cap_add.as_ref()),
            cap_drop: texts(host.cap_drop.as_ref()),
        }
    }
}

/// The engine takes `=`, and `:` where there is no `=`.
fn split(option: &str) -> (&str, Option<&str>) {
    let pair = option.split_once('=').or_else(|| option.split_once(':'));
    pair.map_or((option, None), |(key, value)| (key, Some(value)))
}

fn texts(words: Option<&Vec<String>>) -> Vec<Text> {
    let words = words.into_iter().flatten();
    words.map(|word| word.as_str().into()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Confinement, Defaults, ProcessFacts, Seccomp};

    const OWN: &str = r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#;

    fn defaults(options: &[&str]) -> Defaults {
        let options: Vec<String> = options.iter().map(|&option| option.into()).collect();
        Defaults::parse(&options)
    }

    fn confinement(host: serde_json::Value, mode: Option<u64>) -> Confinement {
        let process = mode.map(|mode| ProcessFacts {
            pid: 1,
            seccomp_mode: Some(mode),
            no_new_privileges: false,
            capabilities: Vec::new(),
        });
        Confinement::of(
            &serde_json::from_value(host).unwrap(),
            defaults(&["name=seccomp,profile=default"]),
            process.as_ref(),
        )
    }

    #[test]
    fn an_engine_has_its_defaults() {
        for (options, seccomp) in [
            (
                &["name=seccomp,profile=default"][..],
                Seccomp::EngineDefault,
            ),
            (
                &["name=apparmor", "name=seccomp,profile=builtin"],
                Seccomp::EngineDefault,
            ),
            (&["name=seccomp,profile=unconfined"], Seccomp::Unconfined),
            (
                &["name=seccomp,profile=/etc/docker/own.json"],
                Seccomp::Unknown,
            ),
            (&["name=apparmor", "rubbish"], Seccomp::Unconfined),
        ] {
            assert_eq!(defaults(options).seccomp, seccomp, "{options:?}");
            assert!(!defaults(options).no_new_privileges);
        }
        assert!(defaults(&["name=no-new-privileges"]).no_new_privileges);
    }

    #[test]
    fn the_filter_is_what_was_asked_for_or_the_default() {
        for (options, privileged, seccomp) in [
            (vec![], false, Seccomp::EngineDefault),
            (vec![], true, Seccomp::Unconfined),
            (vec!["seccomp=unconfined"], false, Seccomp::Unconfined),
            (vec!["seccomp:unconfined"], false, Seccomp::Unconfined),
            (vec!["seccomp=builtin"], false, Seccomp::EngineDefault),
            (
                vec!["seccomp=/podman/keeps/a/path"],
                false,
                Seccomp::Unknown,
            ),
            (vec!["apparmor=unconfined"], false, Seccomp::EngineDefault),
        ] {
            let host = serde_json::json!({"SecurityOpt": options, "Privileged": privileged});
            assert_eq!(confinement(host, None).seccomp, seccomp, "{options:?}");
        }
        let own = format!("seccomp={OWN}");
        let host = serde_json::json!({"SecurityOpt": [own]});
        assert_eq!(confinement(host, Some(2)).seccomp, Seccomp::Own(OWN.into()));
    }

    #[test]
    fn the_kernel_has_the_last_word() {
        let host =
            serde_json::json!({"SecurityOpt": [format!("seccomp={OWN}")], "Privileged": true});
        for (mode, seccomp) in [
            (None, Seccomp::Unknown),
            (Some(0), Seccomp::Unconfined),
            (Some(2), Seccomp::Own(OWN.into())),
        ] {
            assert_eq!(confinement(host.clone(), mode).seccomp, seccomp);
        }
        assert_eq!(
            confinement(serde_json::json!({}), Some(0)).seccomp,
            Seccomp::Unconfined
        );
    }

    #[test]
    fn no_new_privileges_has_many_spellings() {
        for (option, set) in [
            ("no-new-privileges", true),
            ("no-new-privileges:true", true),
            ("no-new-privileges=true", true),
            ("no-new-privileges=false", false),
            ("label=disable", false),
        ] {
            let host = serde_json::json!({"SecurityOpt": [option]});
            assert_eq!(confinement(host, None).no_new_privileges, set, "{option}");
        }
        let told = confinement(
            serde_json::json!({"CapAdd": ["NET_ADMIN"], "CapDrop": ["ALL"], "SecurityOpt": null}),
            None,
        );
        assert_eq!(
            (told.cap_add, told.cap_drop),
            (vec!["NET_ADMIN".into()], vec!["ALL".into()])
        );
    }

    #[test]
    fn a_process_is_read_whole_or_not() {
        let found = ProcessFacts::parse(
            7,
            "NoNewPrivs:\t1\nCapBnd:\t0000000000000001\nSeccomp:\t2\nSeccomp_filters:\t1\n",
        );
        assert_eq!(
            found,
            Some(ProcessFacts {
                pid: 7,
                seccomp_mode: Some(2),
                no_new_privileges: true,
                capabilities: vec!["CAP_CHOWN".into()],
            })
        );
        assert_eq!(ProcessFacts::parse(7, "Seccomp:\t2\n"), None);
        assert_eq!(ProcessFacts::read(i32::MAX, "x"), None);
    }
}
