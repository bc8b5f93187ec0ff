//! For code hosts: each finding beside its line, with the mend where there is one.

use serde_json::{Value, json};

use super::FileReport;
use crate::lint::{Edit, Finding, Place, Rule, RuleId, Severity, rules};
use crate::output::sarif::{document, uri};

pub fn sarif(files: &[FileReport]) -> String {
    let results = files.iter().flat_map(|file| {
        let uri = uri(&file.path);
        let findings = file.findings.findings.iter();
        findings.map(move |finding| result(&uri, finding))
    });
    let documented: Vec<Value> = rules().iter().map(documented).collect();
    document(&documented, &results.collect::<Vec<_>>())
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
