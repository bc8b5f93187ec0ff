//! What comes of refusing a capability check, by the table in `profiles/`.
//!
//! A rule of thumb with its reason, not a proof: that is dropping the capability and running again.

use super::tables::{CHECKS, CheckRule, UnlessTried};
use crate::capabilities::Verdict;
use crate::recording::CapabilityCheck;

/// What a rule says of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// Whether the capability is dropped for this although nobody has tried.
    pub is_dispensable: bool,
    /// With `CAP_`: where that one is kept, this one is not needed for this.
    pub covered_by: Option<&'static str>,
    pub reason: &'static str,
    /// A line of the kernel; absent where no rule knows the check.
    pub source: Option<&'static str>,
}

const UNKNOWN: Judgement = Judgement {
    verdict: Verdict::Needed,
    is_dispensable: false,
    covered_by: None,
    reason: "no rule knows this check, so it counts as needed",
    source: None,
};

/// The first line that fits decides; what no line knows counts as needed.
pub fn judge(check: &CapabilityCheck) -> Judgement {
    let by_symbols = CHECKS.rules.iter();
    let by_call = CHECKS
        .without_symbols
        .iter()
        .filter(|_| check.stack.is_empty());
    by_symbols
        .chain(by_call)
        .find(|rule| fits(rule, check))
        .map_or(UNKNOWN, judgement)
}

/// Why the list does without it, untried.
pub fn dispensable(check: &CapabilityCheck) -> Option<&'static str> {
    let judgement = judge(check);
    judgement.is_dispensable.then_some(judgement.reason)
}

/// The function that asked, past those that only say how.
pub fn asker(check: &CapabilityCheck) -> Option<&str> {
    let is_question = |name: &&String| name.contains("capab");
    let asker = check.stack.iter().find(|name| !is_question(name));
    asker.or(check.stack.first()).map(String::as_str)
}

fn judgement(rule: &'static CheckRule) -> Judgement {
    Judgement {
        verdict: rule.verdict,
        is_dispensable: rule.verdict == Verdict::Opportunistic
            || rule.unless_tried == Some(UnlessTried::Drop),
        covered_by: rule.covered_by.as_deref(),
        reason: &rule.reason,
        source: Some(&rule.source),
    }
}

fn fits(rule: &CheckRule, check: &CapabilityCheck) -> bool {
    let call_fits = rule.syscalls.is_empty()
        || check
            .syscall
            .as_ref()
            .is_some_and(|name| rule.syscalls.contains(name));
    rule.capability == check.capability && call_fits && in_order(&rule.stack, &check.stack)
}

/// Compilers split functions (`f.isra.0`, `f.part.0`); the table names whole ones.
fn in_order(wanted: &[String], stack: &[String]) -> bool {
    let mut stack = stack
        .iter()
        .map(|name| name.split('.').next().unwrap_or(name));
    wanted
        .iter()
        .all(|function| stack.any(|name| name == function))
}

#[cfg(test)]
mod tests;
