//! Recordings in, a default-deny seccomp profile out.
//!
//! Every entry was called behind the filter, or stands in `profiles/` with its reason; the rules'
//! comments tell which. Nothing is left out because it looks superfluous: a test that passes
//! without `umask` is a weaker container, not a smaller profile.

use std::collections::BTreeSet;

use super::about;
use super::arguments::{self, ArgumentRule, ArgumentRules, Because, Ruled};
use super::base::Base;
use super::floor::Floor;
use super::input::{self, Calls, Mode};
use super::portable::{Added, Portable};
use super::refusal::{self, Refusal};
use super::start;
use super::tables::{ALWAYS, ANSWERS, AlwaysCall, When};
use super::warning::{GenerateError, Warning};
use crate::profile::{Action, Profile, Rule};
use crate::recording::{ARCHITECTURES, Phase, Recording, Subject};

const ENOSYS: u32 = 38;

/// What the user decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Stands in where no recording shows what the container runtime calls.
    pub floor: Option<&'a Floor>,
    /// Whether the profile is for use with no-new-privileges; `None`: as it was recorded.
    pub no_new_privileges: Option<bool>,
    /// It is for containers that the engine gives an init; the floor says what that calls.
    pub init: bool,
    pub arguments: ArgumentRules,
    /// What becomes of a call that is not allowed; `None`: as the base has it, or EPERM.
    pub refusal: Option<Refusal>,
    pub base: Option<&'a Base>,
    pub portable: Portable<'a>,
}

/// The profile under which the recorded subject passes again. The order of the recordings is
/// immaterial, and the same recordings make the same profile.
pub fn generate(
    recordings: &[Recording],
    options: Options<'_>,
) -> Result<(Profile, Vec<Warning>), GenerateError> {
    input::check(recordings)?;
    let mut calls = input::calls(recordings);
    if calls.named.is_empty() {
        return Err(GenerateError::NoCalls);
    }
    let mode = Mode::of(recordings, options.no_new_privileges);
    let unseen = start::stand_in(&mut calls, recordings, options, mode)?;
    let is_container = input::is_container(recordings) || !unseen.calls.is_empty();
    if let Some(base) = options.base {
        calls.architectures.extend(base.architectures().to_vec());
    }
    let shared = architectures(&calls);
    let asked = options.portable.architectures.iter().cloned();
    calls.architectures.extend(asked);
    let architectures = architectures(&calls);
    let added = Added::to(&mut calls, options.portable, &architectures);
    // What stands in the profile whether it was seen or not: what was seen of its arguments is not all
    // that is meant.
    let mut free = unseen.calls;
    free.extend(always_calls(&calls, is_container).map(|call| call.name.clone()));
    let (ruled, about_arguments) =
        arguments::rules(&calls, &free, &architectures, options.arguments, &added);
    let mut syscalls = seen(&calls, &ruled);
    syscalls.extend(unseen.rules);
    syscalls.extend(added.rules(&ruled));
    syscalls.extend(always(&calls, is_container));
    syscalls.extend(answers(&calls));
    let mut warnings = input::warnings(recordings, mode);
    if let Some(base) = options.base {
        let (both, about_base) = base.with(&syscalls);
        syscalls = both;
        warnings.extend(about_base);
    }
    warnings.extend(unseen.warning);
    warnings.extend(added.price());
    warnings.extend(about_arguments);
    warnings.extend(about::tried(&calls, &syscalls));
    warnings.extend(about::calls(&calls, &shared));
    let (default_action, default_errno_ret) = refusal::default(options.refusal, options.base);
    if mode.recorded && mode.wanted {
        about::say_mode(&mut syscalls);
    }
    let mut profile = Profile {
        default_action,
        default_errno_ret,
        architectures,
        syscalls,
    };
    refusal::open(&mut profile, options.refusal);
    warnings.extend(about::profile(&profile));
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
fn seen(calls: &Calls, ruled: &Ruled) -> Vec<Rule> {
    let phases = [
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
    let mut all = Vec::new();
    for (phase, comment) in phases {
        let names: Vec<&str> = left
            .iter()
            .filter(|&&name| calls.named[name].phases.contains(&phase))
            .copied()
            .collect();
        left.retain(|name| !names.contains(name));
        all.extend(allowing(names, ruled, comment));
    }
    all
}

/// Those whose arguments are ruled have rules of their own.
pub(super) fn allowing<'n>(
    names: impl IntoIterator<Item = &'n str>,
    ruled: &Ruled,
    comment: &str,
) -> Vec<Rule> {
    let (with_rules, whole): (Vec<&str>, Vec<&str>) = names
        .into_iter()
        .partition(|&name| ruled.contains_key(name));
    let whole = whole.into_iter().map(str::to_owned).collect();
    let mut all = Vec::from_iter(allow(whole, comment));
    for name in with_rules {
        let each = ruled[name].iter();
        all.extend(each.map(|one| with_arguments(name, one, comment)));
    }
    all
}

fn with_arguments(name: &str, rule: &ArgumentRule, seen: &str) -> Rule {
    let words = &rule.words;
    let comment = match &rule.because {
        Because::Call => format!("{seen}; {name}: {words}"),
        Because::Portable(reason) => format!("for portability: {reason}; {name}: {words}"),
        Because::Harmless(reason) => {
            format!("not seen, but harmless; {name}: {words}; {reason}")
        }
    };
    Rule {
        names: vec![name.to_owned()],
        action: Action::Allow,
        errno_ret: None,
        args: rule.comparisons.clone(),
        comment: Some(comment),
    }
}

fn always(calls: &Calls, is_container: bool) -> impl Iterator<Item = Rule> {
    always_calls(calls, is_container)
        .filter(|call| !calls.named.contains_key(&call.name))
        .filter_map(|call| allow(vec![call.name.clone()], &call.reason))
}

pub(super) fn always_calls(
    calls: &Calls,
    is_container: bool,
) -> impl Iterator<Item = &'static AlwaysCall> {
    ALWAYS
        .calls
        .iter()
        .filter(move |call| call.when == When::Any || is_container)
        .filter(|call| is_for(calls, &call.architectures))
}

/// Whether a profile for the subject allows the call though no recording shows it.
pub fn is_always_allowed(name: &str, subject: &Subject) -> bool {
    let is_container = matches!(subject, Subject::Image { .. });
    let mut always = ALWAYS.calls.iter();
    always.any(|call| call.name == name && (call.when == When::Any || is_container))
}

/// Those that the kernel makes a program call, whatever it is; each with its reason.
pub fn kernel_driven() -> impl Iterator<Item = (&'static str, &'static str)> {
    let always = ALWAYS.calls.iter();
    always
        .filter(|call| call.when == When::Any && call.architectures.is_empty())
        .map(|call| (call.name.as_str(), call.reason.as_str()))
}

fn answers(calls: &Calls) -> impl Iterator<Item = Rule> {
    ANSWERS.groups.iter().filter_map(|group| {
        let mut names: Vec<String> = group
            .calls
            .iter()
            .map(|call| call.name.clone())
            .filter(|_| is_for(calls, &group.architectures))
            .filter(|name| !calls.named.contains_key(name))
            .collect();
        names.sort_unstable();
        rule(names, Action::Errno, Some(ENOSYS), &group.comment)
    })
}

/// A table's line counts where one of its architectures is; none: on all.
fn is_for(calls: &Calls, architectures: &[String]) -> bool {
    let mut needed = architectures.iter();
    architectures.is_empty() || needed.any(|one| calls.architectures.contains(one))
}

pub(super) fn allow(names: Vec<String>, comment: &str) -> Option<Rule> {
    rule(names, Action::Allow, None, comment)
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
