//! For people, in the form that editors jump to: a line a finding; what its rule means, once a file.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::FileReport;
use crate::lint::{Finding, RuleId, rules};

pub fn text(files: &[FileReport]) -> String {
    let mut out = String::new();
    for file in files {
        let mut told = BTreeSet::new();
        for finding in &file.findings.findings {
            tell(&mut out, file, finding, &mut told);
        }
    }
    out
}

fn tell(out: &mut String, file: &FileReport, finding: &Finding, told: &mut BTreeSet<RuleId>) {
    let (path, start) = (&file.path, finding.place.start);
    let (line, column) = (start.line, start.column);
    let (severity, rule, message) = (finding.severity, finding.rule, &finding.message);
    let _ = writeln!(
        out,
        "{path}:{line}:{column}: {severity}: {message} [{rule}]"
    );
    if told.insert(rule) {
        let rule = rule.rule();
        let _ = writeln!(out, "  {}\n  Mend: {}", rule.explanation, rule.mend);
    }
}

pub fn rules_as_text() -> String {
    let mut out = String::new();
    for rule in rules() {
        let (id, severity) = (rule.id, rule.severity);
        let (explanation, mend, source) = (&rule.explanation, &rule.mend, &rule.source);
        let _ = writeln!(
            out,
            "{id}: {severity}\n  {explanation}\n  Mend: {mend}\n  {source}"
        );
    }
    out
}
