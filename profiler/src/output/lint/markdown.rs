//! For a comment on a pull request.

use std::fmt::Write as _;

use super::{FileReport, summary};
use crate::lint::{Finding, rules};
use crate::output::markdown::plain;

pub fn markdown(files: &[FileReport]) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "### Seccomp profiles: {}", summary(files));
    for file in files {
        if file.findings.findings.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "\n{}\n\n| place | severity | rule | finding | mend |\n|---|---|---|---|---|",
            plain(&file.path.to_string())
        );
        for finding in &file.findings.findings {
            out.push_str(&row(finding));
        }
    }
    out
}

fn row(finding: &Finding) -> String {
    let start = finding.place.start;
    let rule = finding.rule.rule();
    format!(
        "| {}:{} | {} | {} | {} | {} |\n",
        start.line,
        start.column,
        finding.severity,
        finding.rule,
        plain(&finding.message),
        plain(&rule.mend)
    )
}

pub fn rules_as_markdown() -> String {
    let mut out = "| rule | severity | what it means | mend |\n|---|---|---|---|\n".to_owned();
    for rule in rules() {
        let _ = writeln!(
            out,
            "| [{}]({}) | {} | {} | {} |",
            rule.id,
            rule.source,
            rule.severity,
            plain(&rule.explanation),
            plain(&rule.mend)
        );
    }
    out
}
