//! Which observations are findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use indexmap::IndexMap;
use profiler_common::{Abi, NUMBERS};

use super::finding::RuntimeCause;
use super::{
    Answer, Asker, CapabilityDenial, CapabilityRules, Denial, Finding, Observations, Start,
    StartProblem,
};
use crate::names;
use crate::profile::{Action, Profile};
use crate::recording::Phase;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was run.
    pub starts: usize,
    /// None: it passed.
    pub findings: Vec<Finding>,
    /// Calls answered ENOSYS as the profile, or the runtime for it, says: programs that probe
    /// fall back on that. Sorted by name.
    pub answered: Vec<Answered>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub syscall: String,
    pub count: u64,
}

impl Verdict {
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

/// `capabilities`: `None` where none were taken away; capability denials say nothing then.
pub fn judge(
    profile: &Profile,
    capabilities: Option<&CapabilityRules>,
    observed: &Observations,
) -> Verdict {
    let (answered, denied): (Vec<_>, Vec<_>) = observed
        .denials
        .iter()
        .partition(|denial| is_answered(profile, denial));
    let mut findings = starts(profile, &observed.starts);
    if let Some(code) = observed.exit_code
        && code != 0
    {
        findings.push(Finding::ExitCode(code));
    }
    findings.extend(denials(&denied));
    if let Some(rules) = capabilities {
        findings.extend(capability_denials(rules, &observed.capability_denials));
    }
    if observed.lost.any() {
        findings.push(Finding::Lost(observed.lost));
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for denial in answered {
        *counts.entry(&denial.syscall).or_default() += denial.count;
    }
    Verdict {
        starts: observed.starts.len(),
        findings,
        answered: counts
            .into_iter()
            .map(|(syscall, count)| Answered {
                syscall: syscall.to_owned(),
                count,
            })
            .collect(),
    }
}

/// ENOSYS by a rule of the profile, or by the runtime for a number above those it names.
fn is_answered(profile: &Profile, denial: &Denial) -> bool {
    let enosys = libc::ENOSYS.unsigned_abs();
    if denial.answer != Answer::Errno(libc::ENOSYS) {
        return false;
    }
    let by_default = match profile.default_action {
        Action::Errno => profile.default_errno_ret == Some(enosys),
        // Nobody traces: the kernel answers ENOSYS.
        Action::Trace => true,
        _ => false,
    };
    if !by_default {
        return true;
    }
    let by_rule = profile.syscalls.iter().any(|rule| {
        rule.action == Action::Errno
            && rule.errno_ret == Some(enosys)
            && rule.names.contains(&denial.syscall)
    });
    by_rule || highest(profile, &denial.architecture).is_some_and(|last| denial.number > last)
}

/// The highest number that the profile names.
fn highest(profile: &Profile, architecture: &str) -> Option<i32> {
    let abi = Abi::ALL
        .into_iter()
        .find(|&abi| names::architecture(abi) == architecture)?;
    let named: BTreeSet<&str> = profile
        .syscalls
        .iter()
        .flat_map(|rule| rule.names.iter().map(String::as_str))
        .collect();
    let end = i32::try_from(NUMBERS).expect("a table of a thousand calls");
    (0..end)
        .rev()
        .find(|&number| named.contains(names::syscall(abi, number).as_str()))
}

fn starts(profile: &Profile, starts: &[Start]) -> Vec<Finding> {
    let cause = if allows(profile, "rt_sigreturn") {
        RuntimeCause::Other
    } else {
        RuntimeCause::RtSigreturn
    };
    let problem = |start: &Start| match start {
        Start::Ready => None,
        Start::Refused(message) if runtime_died(&message.to_string()) => {
            Some(StartProblem::RuntimeDied {
                message: message.clone(),
                cause,
            })
        }
        Start::Refused(message) => Some(StartProblem::Refused(message.clone())),
        Start::Ended(exit_code) => Some(StartProblem::Ended {
            exit_code: *exit_code,
            // So dies a Go program whose rt_sigreturn is refused; with it allowed, a crash is the
            // program's own.
            cause: (*exit_code == 128 + libc::SIGSEGV && cause == RuntimeCause::RtSigreturn)
                .then_some(cause),
        }),
        Start::Unhealthy(log) => Some(StartProblem::Unhealthy(log.clone())),
    };
    let mut problems: IndexMap<StartProblem, Vec<usize>> = IndexMap::new();
    for (ordinal, start) in (1..).zip(starts) {
        if let Some(problem) = problem(start) {
            problems.entry(problem).or_default().push(ordinal);
        }
    }
    problems
        .into_iter()
        .map(|(problem, which)| Finding::Starts {
            which,
            of: starts.len(),
            problem,
        })
        .collect()
}

/// containerd's and runc's words for it
/// (<https://github.com/containerd/containerd/blob/v1.6.20/pkg/process/init_state.go>,
/// <https://github.com/opencontainers/runc/blob/v1.1.5/start.go#L47>).
fn runtime_died(message: &str) -> bool {
    [
        "cannot start a stopped process",
        "cannot start a container that has stopped",
    ]
    .iter()
    .any(|words| message.contains(words))
}

fn allows(profile: &Profile, name: &str) -> bool {
    let allow = |action| matches!(action, Action::Allow | Action::Log);
    let mut rules = profile
        .syscalls
        .iter()
        .filter(|rule| rule.names.iter().any(|named| named == name))
        .peekable();
    if rules.peek().is_none() {
        return allow(profile.default_action);
    }
    rules.any(|rule| allow(rule.action))
}

/// One a call, architecture and answer.
fn denials(denied: &[&Denial]) -> Vec<Finding> {
    let mut calls: BTreeMap<_, (u64, BTreeSet<Asker>)> = BTreeMap::new();
    for denial in denied {
        let key = (&denial.architecture, &denial.syscall, denial.answer);
        let (count, by) = calls.entry(key).or_default();
        *count += denial.count;
        by.insert(Asker {
            phase: denial.phase,
            comm: denial.comm.clone(),
            exe: denial.exe.clone(),
        });
    }
    calls
        .into_iter()
        .map(
            |((architecture, syscall, answer), (count, by))| Finding::Denied {
                syscall: syscall.clone(),
                architecture: architecture.clone(),
                answer,
                count,
                by: by.into_iter().collect(),
            },
        )
        .collect()
}

/// One a capability. No finding are: what the list grants (a process that gave it up itself is
/// refused too), what was refused while recording, what the kernel asks on its own account, the
/// runtime's own checks, and those about other namespaces or with borrowed credentials.
fn capability_denials(rules: &CapabilityRules, denials: &[CapabilityDenial]) -> Vec<Finding> {
    let mut found: BTreeMap<&str, (u64, BTreeSet<String>, BTreeSet<Asker>)> = BTreeMap::new();
    let relevant = denials.iter().filter(|denial| {
        denial.phase != Phase::Runtime
            && denial.own_namespace
            && denial.own_credentials
            && denial.opportunistic.is_none()
            && !rules.added.contains(&denial.capability)
            && !rules.refused_when_recorded.contains(&denial.capability)
    });
    for denial in relevant {
        let (count, syscalls, by) = found.entry(&denial.capability).or_default();
        *count += denial.count;
        syscalls.extend(denial.syscall.clone());
        by.insert(Asker {
            phase: denial.phase,
            comm: denial.comm.clone(),
            exe: denial.exe.clone(),
        });
    }
    found
        .into_iter()
        .map(
            |(capability, (count, syscalls, by))| Finding::CapabilityDenied {
                capability: capability.to_owned(),
                count,
                syscalls: syscalls.into_iter().collect(),
                by: by.into_iter().collect(),
            },
        )
        .collect()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        f.write_str(if self.passed() { "passed" } else { "failed" })?;
        match self.starts {
            0 => {}
            1 => f.write_str(": 1 start")?,
            starts => write!(f, ": {starts} starts")?,
        }
        if !self.answered.is_empty() {
            let calls: Vec<_> = self
                .answered
                .iter()
                .map(|answered| format!("{} {}", answered.syscall, answered.count))
                .collect();
            write!(
                f,
                "; answered ENOSYS, as the profile says: {}",
                calls.join(", ")
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
