//! Recordings in, a default-deny seccomp profile out.
//!
//! Every entry was called behind the filter, or stands in `profiles/` with its reason; the rules'
//! comments tell which. Nothing is left out because it looks superfluous: a test that passes
//! without `umask` is a weaker container, not a smaller profile.

use std::collections::BTreeSet;

use super::floor::{self, Floor};
use super::input::{self, Calls};
use super::tables::{ALWAYS, ANSWERS, When};
use super::warning::{GenerateError, Warning};
use crate::profile::{Action, Profile, Rule};
use crate::recording::{ARCHITECTURES, Assumption, Phase, Recording};

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// The flags behind clone3's pointer, and all that a ring does, are out of a filter's sight.
pub const WAYS_ROUND: [&str; 2] = ["clone3", "io_uring_setup"];

/// The highest number that each libseccomp release knows; the oldest is what runc 1.1 is found
/// with (<https://github.com/seccomp/libseccomp/blob/v2.6.0/src/syscalls.csv> and its history).
const LIBSECCOMP: [(&str, i32); 4] = [
    ("2.5.4", 450),
    ("2.5.5", 456),
    ("2.6.0", 466),
    ("2.6.1", 471),
];
/// x32's own calls lie in this range; they are old.
const X32_ONLY: std::ops::RangeInclusive<i32> = 512..=547;

/// What the user decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Stands in where no recording shows what the container runtime calls.
    pub floor: Option<Floor>,
}

/// The profile under which the recorded subject passes again. The order of the recordings is
/// immaterial, and the same recordings make the same profile.
pub fn generate(
    recordings: &[Recording],
    options: Options,
) -> Result<(Profile, Vec<Warning>), GenerateError> {
    input::check(recordings)?;
    let mut calls = input::calls(recordings);
    if calls.named.is_empty() {
        return Err(GenerateError::NoCalls);
    }
    let mut syscalls = seen(&calls);
    let (floor, about_tail) = runtime_tail(&mut calls, recordings, options.floor);
    let is_container = input::is_container(recordings) || !floor.is_empty();
    syscalls.extend(floor);
    syscalls.extend(always(&calls, is_container));
    syscalls.extend(answers(&calls));
    let profile = Profile {
        default_action: Action::Errno,
        default_errno_ret: Some(EPERM),
        architectures: architectures(&calls),
        syscalls,
    };
    let mut warnings = input::warnings(recordings);
    warnings.extend(about_tail);
    warnings.extend(about_tried(&calls, &profile.syscalls));
    warnings.extend(about_calls(&calls));
    Ok((profile, warnings.into_iter().collect()))
}

fn architectures(calls: &Calls) -> Vec<String> {
    let others = calls
        .architectures
        .iter()
        .map(String::as_str)
        .filter(|seen| !ARCHITECTURES.contains(seen));
    ARCHITECTURES
        .into_iter()
        .filter(|known| calls.architectures.contains(*known))
        .chain(others)
        .map(str::to_owned)
        .collect()
}

/// A rule for each phase: what the workload made, what only exec sessions made besides, and what
/// only the runtime's tail made.
fn seen(calls: &Calls) -> Vec<Rule> {
    let rules = [
        (Phase::Workload, "seen: the workload"),
        (
            Phase::Exec,
            "seen: only programs that joined later (docker exec, health checks)",
        ),
        (
            Phase::Runtime,
            "seen: only before the workload's first program (the container runtime's tail)",
        ),
    ];
    let mut left: BTreeSet<&str> = calls.named.keys().map(String::as_str).collect();
    rules
        .into_iter()
        .filter_map(|(phase, comment)| {
            let names: Vec<String> = left
                .iter()
                .filter(|&&name| calls.named[name].phases.contains(&phase))
                .map(|&name| name.to_owned())
                .collect();
            for name in &names {
                left.remove(name.as_str());
            }
            rule(names, Action::Allow, None, comment)
        })
        .collect()
}

/// The rules for it where no recording shows it, and what is to be said of it.
fn runtime_tail(
    calls: &mut Calls,
    recordings: &[Recording],
    floor: Option<Floor>,
) -> (Vec<Rule>, Option<Warning>) {
    let is_unseen = input::stands(recordings, Assumption::RuntimeTailUnseen);
    match floor {
        None => {
            let known = floor::names();
            let warning = is_unseen.then_some(Warning::RuntimeTailUnseen { known });
            (Vec::new(), warning)
        }
        Some(floor) if !is_unseen => {
            let runtime = floor.name();
            (Vec::new(), Some(Warning::FloorNotNeeded { runtime }))
        }
        Some(floor) => {
            let groups = floor.add_to(calls, recordings);
            let count = groups.iter().map(|(_, names)| names.len()).sum();
            let rules = groups
                .into_iter()
                .filter_map(|(reason, names)| rule(names, Action::Allow, None, reason))
                .collect();
            let runtime = floor.name();
            (rules, Some(Warning::Floor { runtime, count }))
        }
    }
}

fn always(calls: &Calls, is_container: bool) -> impl Iterator<Item = Rule> {
    ALWAYS
        .calls
        .iter()
        .filter(move |call| call.when == When::Any || is_container)
        .filter(|call| applies(calls, call.architecture.as_deref(), &call.name))
        .filter_map(|call| rule(vec![call.name.clone()], Action::Allow, None, &call.reason))
}

/// Those that the kernel makes a program call, whatever it is; each with its reason.
pub fn kernel_driven() -> impl Iterator<Item = (&'static str, &'static str)> {
    let always = ALWAYS.calls.iter();
    always
        .filter(|call| call.when == When::Any && call.architecture.is_none())
        .map(|call| (call.name.as_str(), call.reason.as_str()))
}

fn answers(calls: &Calls) -> impl Iterator<Item = Rule> {
    ANSWERS.groups.iter().filter_map(|group| {
        let mut names: Vec<String> = group
            .calls
            .iter()
            .map(|call| call.name.clone())
            .filter(|name| applies(calls, group.architecture.as_deref(), name))
            .collect();
        names.sort_unstable();
        rule(names, Action::Errno, Some(ENOSYS), &group.comment)
    })
}

/// A table's line counts where its architecture was seen and the call itself was not.
fn applies(calls: &Calls, architecture: Option<&str>, name: &str) -> bool {
    architecture.is_none_or(|needed| calls.architectures.contains(needed))
        && !calls.named.contains_key(name)
}

fn rule(names: Vec<String>, action: Action, errno: Option<u32>, comment: &str) -> Option<Rule> {
    (!names.is_empty()).then(|| Rule {
        names,
        action,
        errno_ret: errno,
        args: Vec::new(),
        comment: Some(comment.to_owned()),
    })
}

/// What every filter should refuse is not worth a word.
fn about_tried(calls: &Calls, rules: &[Rule]) -> Option<Warning> {
    let is_allowed = |name: &String| {
        let mut allowing = rules.iter().filter(|rule| rule.action == Action::Allow);
        allowing.any(|rule| rule.names.contains(name))
    };
    let names: BTreeSet<String> = calls
        .tried
        .iter()
        .filter(|name| !WAYS_ROUND.contains(&name.as_str()) && !is_allowed(name))
        .cloned()
        .collect();
    (!names.is_empty()).then_some(Warning::Tried { names })
}

fn about_calls(calls: &Calls) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let ways_round: BTreeSet<String> = WAYS_ROUND
        .into_iter()
        .filter(|&name| calls.named.contains_key(name))
        .map(str::to_owned)
        .collect();
    if !ways_round.is_empty() {
        warnings.push(Warning::WayRound { names: ways_round });
    }
    for (architecture, numbers) in &calls.numbers {
        warnings.push(Warning::UnknownNumbers {
            architecture: architecture.clone(),
            numbers: numbers.clone(),
        });
    }
    for pair in LIBSECCOMP.windows(2) {
        let ((_, known), (libseccomp, newest)) = (pair[0], pair[1]);
        let names: BTreeSet<String> = calls
            .named
            .iter()
            .filter(|(_, call)| {
                call.numbers.values().any(|&number| {
                    number > known && number <= newest && !X32_ONLY.contains(&number)
                })
            })
            .map(|(name, _)| name.clone())
            .collect();
        if !names.is_empty() {
            warnings.push(Warning::NewerLibseccomp { libseccomp, names });
        }
    }
    warnings.extend(shared_names(calls));
    warnings
}

fn shared_names(calls: &Calls) -> Vec<Warning> {
    let architectures = architectures(calls);
    let mut warnings = Vec::new();
    for seen in &architectures {
        let count = calls
            .named
            .values()
            .filter(|call| call.numbers.len() == 1 && call.numbers.contains_key(seen))
            .count();
        let also: Vec<&str> = architectures
            .iter()
            .filter(|other| *other != seen)
            .map(String::as_str)
            .collect();
        if count > 0 && !also.is_empty() {
            warnings.push(Warning::SharedNames {
                seen: seen.clone(),
                also: also.join(" and "),
                count,
            });
        }
    }
    warnings
}
