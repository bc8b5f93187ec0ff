//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), by which code
//! hosts show findings beside the line.
//!
//! Written out by hand: it is one small document, and a test holds it against the published schema.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::FileReport;
use crate::lint::{Edit, Finding, Place, Rule, RuleId, Severity, rules};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What may stand in a path of a URI.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

pub fn sarif(files: &[FileReport]) -> String {
    let results = files.iter().flat_map(|file| {
        let uri = uri(file);
        let findings = file.findings.findings.iter();
        findings.map(move |finding| result(&uri, finding))
    });
    let documented: Vec<Value> = rules().iter().map(documented).collect();
    crate::output::text::json(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "profiler",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": documented,
                }
            },
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }]
    }))
}

fn uri(file: &FileReport) -> String {
    let path = String::from_utf8_lossy(file.path.as_bytes());
    let relative = path.strip_prefix("./").unwrap_or(&path);
    let encoded = utf8_percent_encode(relative, IN_PATHS).to_string();
    if relative.starts_with('/') {
        format!("file://{encoded}")
    } else {
        encoded
    }
}

fn documented(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": rule.explanation},
        "help": {"text": rule.mend},
        "helpUri": rule.source,
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn result(uri: &str, finding: &Finding) -> Value {
    let location = json!({"uri": uri});
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": index(finding.rule),
        "level": level(finding.severity),
        "message": {"text": format!("{}. {}", finding.message, finding.rule.rule().mend)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": location,
                "region": region(&finding.place),
            }
        }],
    });
    if let Some(edit) = &finding.edit {
        result["fixes"] = json!([fix(&location, edit, finding.rule)]);
    }
    result
}

fn fix(location: &Value, edit: &Edit, rule: RuleId) -> Value {
    json!({
        "description": {"text": rule.rule().mend},
        "artifactChanges": [{
            "artifactLocation": location,
            "replacements": [{
                "deletedRegion": region(&edit.place),
                "insertedContent": {"text": edit.text},
            }]
        }]
    })
}

fn index(rule: RuleId) -> Option<usize> {
    rules().iter().position(|documented| documented.id == rule)
}

fn region(place: &Place) -> Value {
    json!({
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}
