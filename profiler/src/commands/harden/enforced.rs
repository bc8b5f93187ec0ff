//! The result, enforced: what is refused is told and allowed, each call is tried without.

use super::bench::Bench;
use super::calls::Calls;
use super::recorded::with_what_was_said;
use crate::capabilities::CapabilityList;
use crate::cli::{HardenArgs, RunOptions};
use crate::commands::verify::{rules, with_only};
use crate::harden::{Report, untried, widen};
use crate::output;
use crate::profile::Profile;
use crate::terminal;
use crate::verify::{Finding, judge};

/// How often what was refused is allowed and all of it tried again.
const ROUNDS: usize = 5;

/// The result, tried.
pub(super) struct Enforced<'a> {
    pub(super) args: &'a HardenArgs,
    pub(super) bench: &'a Bench<'a>,
    pub(super) options: &'a RunOptions,
}

impl Enforced<'_> {
    fn under(&self, list: Option<&CapabilityList>) -> RunOptions {
        list.map_or_else(
            || self.options.clone(),
            |list| with_only(self.options, list),
        )
    }

    /// Each call, by what comes of its refusal. `false`: the whole did not pass a second time.
    pub(super) async fn label(
        &self,
        profile: &Profile,
        list: Option<&CapabilityList>,
        report: &mut Report,
    ) -> anyhow::Result<bool> {
        report.calls = untried(profile);
        let options = self.under(list);
        let jobs = usize::from(self.args.jobs.get());
        match Calls::new(self.bench, &options, profile, jobs).await? {
            Ok(calls) => report.work.calls = calls.label(&mut report.calls).await?,
            Err(why) => {
                report.incomplete = Some(format!(
                    "under its own profile it passed, and then did not: {why}"
                ));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What is refused is allowed, and all of it tried again. Whether it passed in the end; the
    /// report says why it did not.
    pub(super) async fn until_it_passes(
        &self,
        profile: &mut Profile,
        list: &mut Option<CapabilityList>,
        dropped: &[String],
        report: &mut Report,
    ) -> anyhow::Result<bool> {
        for _ in 0..ROUNDS {
            let options = self.under(list.as_ref());
            let seccomp = output::oci(profile);
            let (seen, quiet) = self
                .bench
                .enforce(&options, &seccomp, self.args.starts)
                .await?;
            report.work.starts = seen.starts.len();
            let mut verdict = judge(profile, list.clone().map(rules).as_ref(), &seen);
            // Left out with open eyes.
            verdict.findings.retain(|finding| {
                !matches!(finding, Finding::Denied { syscall, .. } if dropped.contains(syscall))
            });
            if verdict.passed() {
                terminal::say(&format!("under the result: {verdict}"));
                return Ok(true);
            }
            let mut is_wider = false;
            for finding in &verdict.findings {
                terminal::say(&finding.to_string());
                if widen(finding, profile, list.as_mut()) {
                    report.widened.push(finding.to_string());
                    is_wider = true;
                }
            }
            if !is_wider {
                let findings: Vec<String> =
                    verdict.findings.iter().map(ToString::to_string).collect();
                let why = format!(
                    "under its own profile it does not pass: {}",
                    findings.join("; ")
                );
                report.incomplete = Some(with_what_was_said(why, &quiet));
                return Ok(false);
            }
        }
        report.incomplete = Some(format!("after {ROUNDS} rounds something was still refused"));
        Ok(false)
    }
}
