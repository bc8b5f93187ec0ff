//! What `lint` found, in four formats.

mod json;
mod markdown;
mod sarif;
mod text;

pub use json::{json, rules_as_json};
pub use markdown::{markdown, rules_as_markdown};
pub use sarif::sarif;
pub use text::{rules_as_text, text};

use crate::lint::{Findings, Severity};
use crate::recording::Text;

pub struct FileReport {
    /// As the user named it.
    pub path: Text,
    pub findings: Findings,
}

/// One line, without its end.
pub fn summary(files: &[FileReport]) -> String {
    let counted = [
        (Severity::Error, "error", "errors"),
        (Severity::Warning, "warning", "warnings"),
        (Severity::Note, "note", "notes"),
    ];
    let counts = counted.map(|(severity, one, more)| (count(files, severity), one, more));
    let told: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, more)| format!("{count} {}", if count == 1 { one } else { more }))
        .collect();
    if told.is_empty() {
        "nothing found".to_owned()
    } else {
        told.join(", ")
    }
}

fn count(files: &[FileReport], severity: Severity) -> usize {
    let findings = files.iter().flat_map(|file| &file.findings.findings);
    findings
        .filter(|finding| finding.severity == severity)
        .count()
}
