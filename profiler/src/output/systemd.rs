//! A drop-in for a systemd service.
//!
//! systemd compares no arguments: a call that has rules about them is allowed whole, and said so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use nix::errno::Errno;
use serde::Deserialize;

use super::{Hardening, Warning, text};
use crate::profile::{Action, Profile, Rule};

#[derive(Deserialize)]
struct Table {
    default: BTreeSet<String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../profiles/systemd.json"))
        .expect("profiles/systemd.json is checked by a unit test")
});

/// Lines of names are wrapped there; systemd adds up the lines.
const WIDTH: usize = 100;

const FORMAT: &str = "systemd";

/// For `/etc/systemd/system/NAME.service.d/`
/// (<https://github.com/systemd/systemd/blob/v257/man/systemd.exec.xml>).
pub(super) fn systemd(hardening: &Hardening, warnings: &mut BTreeSet<Warning>) -> String {
    let profile = &hardening.profile;
    let calls = Calls::of(&profile.syscalls);
    let mut comments = vec![
        hardening.origin(),
        format!(
            "Use: as /etc/systemd/system/{}.service.d/profiler.conf",
            hardening.name.as_str()
        ),
    ];
    if !calls.compared.is_empty() {
        let names = calls.compared.clone();
        let warning = Warning::Arguments {
            format: FORMAT,
            in_part: false,
            names,
        };
        comments.push(warning.to_string());
        warnings.insert(warning);
    }
    for (action, instead) in calls.unsayable(profile) {
        warnings.insert(Warning::Action {
            format: FORMAT,
            action,
            instead,
        });
    }
    comments.extend(hardening.notes());
    let mut unit = text::comments(&comments) + "[Service]\n";
    if hardening.no_new_privileges {
        unit.push_str("NoNewPrivileges=yes\n");
    }
    if let Some(list) = &hardening.capabilities {
        let names: Vec<String> = list.add.iter().map(|name| format!("CAP_{name}")).collect();
        let _ = writeln!(unit, "CapabilityBoundingSet={}", names.join(" "));
    }
    let architectures = architectures(&profile.architectures);
    let _ = writeln!(unit, "SystemCallArchitectures={architectures}");
    filter(&mut unit, profile, &calls);
    unit
}

fn filter(unit: &mut String, profile: &Profile, calls: &Calls) {
    let answers: BTreeSet<String> = calls
        .refused
        .iter()
        .map(|(name, answer)| format!("{name}:{answer}"))
        .collect();
    match profile.default_action {
        Action::Allow => setting(unit, "SystemCallFilter", "~", &answers),
        // What is not named is logged, and goes on.
        Action::Log => {
            setting(unit, "SystemCallLog", "~", &calls.allowed);
            setting(unit, "SystemCallFilter", "~", &answers);
        }
        other => {
            let answer = answer(other, profile.default_errno_ret);
            let _ = writeln!(unit, "SystemCallErrorNumber={answer}");
            // The first line decides that what is not named is refused; then, what is refused by
            // name has an answer of its own, and only there may one stand
            // (<https://github.com/systemd/systemd/blob/v257/src/core/load-fragment.c>).
            setting(unit, "SystemCallFilter", "", &calls.allowed);
            if !answers.is_empty() {
                let _ = writeln!(
                    unit,
                    "# Of these systemd passes over what its libseccomp does not know yet, and says so: {answer} then."
                );
                setting(unit, "SystemCallFilter", "~", &answers);
            }
            let named =
                |name: &&String| calls.allowed.contains(*name) || calls.refused.contains_key(*name);
            let of_its_own: BTreeSet<String> = TABLE
                .default
                .iter()
                .filter(|name| !named(name))
                .cloned()
                .collect();
            if !of_its_own.is_empty() {
                unit.push_str("# Not seen, and allowed by systemd unless it is told otherwise:\n");
                setting(unit, "SystemCallFilter", "~", &of_its_own);
            }
            setting(unit, "SystemCallLog", "", &calls.logged);
        }
    }
}

fn setting(unit: &mut String, key: &str, sign: &str, names: &BTreeSet<String>) {
    let mut line = String::new();
    let mut end = |line: &mut String| {
        if !line.is_empty() {
            let _ = writeln!(unit, "{line}");
            line.clear();
        }
    };
    for name in names {
        if line.len() + 1 + name.len() > WIDTH {
            end(&mut line);
        }
        if line.is_empty() {
            let _ = write!(line, "{key}={sign}{name}");
        } else {
            let _ = write!(line, " {name}");
        }
    }
    end(&mut line);
}

/// `SCMP_ARCH_X86_64` is `x86-64` to systemd, and `native` where it is the only one: that word alone
/// tells `systemd-analyze security` that no other is allowed.
fn architectures(names: &[String]) -> String {
    let own = |name: &String| match name.strip_prefix("SCMP_ARCH_").unwrap_or(name) {
        "AARCH64" => "arm64".to_owned(),
        "PPC64LE" => "ppc64-le".to_owned(),
        own => own.to_lowercase().replace('_', "-"),
    };
    match names.iter().map(own).collect::<Vec<_>>().as_slice() {
        [only] if only == "x86-64" => "native".to_owned(),
        all => all.join(" "),
    }
}

/// An errno's name, or `kill`.
fn answer(action: Action, errno: Option<u32>) -> String {
    match action {
        Action::Errno => {
            let number = errno.unwrap_or(Errno::EPERM as u32);
            let known = i32::try_from(number).map_or(Errno::UnknownErrno, Errno::from_raw);
            match known {
                Errno::UnknownErrno => number.to_string(),
                known => format!("{known:?}"),
            }
        }
        _ => "kill".to_owned(),
    }
}

/// What becomes of each call, as far as systemd can say it.
struct Calls {
    allowed: BTreeSet<String>,
    /// By name, with the errno's name or `kill`.
    refused: BTreeMap<String, String>,
    logged: BTreeSet<String>,
    /// Have rules about arguments.
    compared: BTreeSet<String>,
    /// Actions that systemd has not, by their names there.
    foreign: BTreeSet<Action>,
}

impl Calls {
    fn of(rules: &[Rule]) -> Self {
        let mut calls = Self {
            allowed: BTreeSet::new(),
            refused: BTreeMap::new(),
            logged: BTreeSet::new(),
            compared: BTreeSet::new(),
            foreign: BTreeSet::new(),
        };
        for rule in rules {
            let names = || rule.names.iter().cloned();
            match rule.action {
                Action::Allow => calls.allowed.extend(names()),
                Action::Log => {
                    calls.allowed.extend(names());
                    calls.logged.extend(names());
                }
                _ if !rule.args.is_empty() => {}
                action => {
                    let answer = answer(action, rule.errno_ret);
                    calls
                        .refused
                        .extend(names().map(|name| (name, answer.clone())));
                }
            }
            if !rule.args.is_empty() {
                calls.compared.extend(names());
            }
            if matches!(rule.action, Action::Trap | Action::Trace | Action::Notify) {
                calls.foreign.insert(rule.action);
            }
        }
        calls
            .refused
            .retain(|name, _| !calls.allowed.contains(name));
        // What is refused whatever its arguments loses nothing.
        calls.compared.retain(|name| calls.allowed.contains(name));
        calls
    }

    /// What is asked for and not to be had, and what is written instead.
    fn unsayable(&self, profile: &Profile) -> Vec<(String, &'static str)> {
        let default = Some(profile.default_action);
        let asked = self.foreign.iter().copied().chain(default);
        asked
            .filter_map(|action| match action {
                Action::Trap => Some(("trap calls".to_owned(), "they are killed")),
                Action::Trace => Some(("hand calls to a tracer".to_owned(), "they are killed")),
                Action::Notify => Some(("hand calls to an agent".to_owned(), "they are killed")),
                Action::KillThread => {
                    Some(("kill a thread alone".to_owned(), "its process is killed"))
                }
                _ => None,
            })
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{TABLE, systemd};
    use crate::output::tests::hardening;
    use crate::profile::Profile;

    fn unit(profile: &str) -> (Vec<String>, Vec<String>) {
        let mut hardening = hardening();
        hardening.profile = serde_json::from_str::<Profile>(profile).unwrap();
        let mut warnings = BTreeSet::new();
        let text = systemd(&hardening, &mut warnings);
        (
            text.lines().map(str::to_owned).collect(),
            warnings.iter().map(ToString::to_string).collect(),
        )
    }

    fn has(lines: &[String], wanted: &str) -> bool {
        lines.iter().any(|line| line == wanted)
    }

    #[test]
    fn what_systemd_allows_of_its_own_is_taken_out_unless_it_was_seen() {
        let (lines, _) = unit(
            r#"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
                "syscalls": [{"names": ["read", "execve"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["rseq", "clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}"#,
        );
        assert!(has(&lines, "SystemCallErrorNumber=EPERM"));
        assert!(has(&lines, "SystemCallArchitectures=x86-64 x86"));
        assert!(has(&lines, "SystemCallFilter=execve read"));
        assert!(has(&lines, "SystemCallFilter=~clone3:ENOSYS rseq:ENOSYS"));
        let taken_out: BTreeSet<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("SystemCallFilter=~"))
            .flat_map(|names| names.split(' '))
            .filter(|name| !name.contains(':'))
            .collect();
        let expected: BTreeSet<&str> = TABLE
            .default
            .iter()
            .map(String::as_str)
            .filter(|name| !["execve", "rseq"].contains(name))
            .collect();
        assert_eq!(taken_out, expected);
    }

    #[test]
    fn a_call_with_rules_about_arguments_is_allowed_whole_and_told() {
        let (lines, warnings) = unit(
            r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
                {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
                {"names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 25,
                 "args": [{"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]}]}"#,
        );
        assert!(has(&lines, "SystemCallFilter=socket"));
        assert_eq!(
            warnings,
            ["systemd cannot compare arguments: allowed with any: socket"]
        );
        assert!(has(&lines, &format!("# {}", warnings[0])));
    }

    #[test]
    fn other_answers_than_an_errno_are_said_as_far_as_they_can_be() {
        let (lines, warnings) = unit(
            r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_LOG"},
                {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4000}]}"#,
        );
        assert!(has(&lines, "SystemCallErrorNumber=kill"));
        assert!(has(&lines, "SystemCallFilter=read"));
        assert!(has(&lines, "SystemCallFilter=~bpf:4000"));
        assert!(has(&lines, "SystemCallLog=read"));
        assert_eq!(warnings.len(), 0);

        let (lines, warnings) = unit(
            r#"{"defaultAction": "SCMP_ACT_TRAP",
                "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}"#,
        );
        assert!(has(&lines, "SystemCallErrorNumber=kill"));
        assert_eq!(warnings, ["systemd cannot trap calls: they are killed"]);

        let (lines, _) = unit(
            r#"{"defaultAction": "SCMP_ACT_LOG", "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}"#,
        );
        assert!(has(&lines, "SystemCallLog=~read"));
        assert!(has(&lines, "SystemCallFilter=~clone3:ENOSYS"));
    }

    #[test]
    fn lines_are_wrapped() {
        let names: Vec<String> = (0..100).map(|number| format!("call{number}")).collect();
        let (lines, _) = unit(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO",
                "syscalls": [{{"names": {names:?}, "action": "SCMP_ACT_ALLOW"}}]}}"#
        ));
        assert!(lines.iter().skip(3).all(|line| line.len() <= super::WIDTH));
        let seen: BTreeSet<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("SystemCallFilter="))
            .flat_map(|names| names.split(' '))
            .filter(|name| name.starts_with("call"))
            .collect();
        assert_eq!(seen.len(), 100);
    }

    #[test]
    fn the_table_names_calls_only() {
        let known = crate::names::syscalls();
        let unknown: Vec<_> = TABLE
            .default
            .iter()
            .filter(|name| !known.contains(name.as_str()))
            .collect();
        assert_eq!(unknown, Vec::<&String>::new());
    }
}
