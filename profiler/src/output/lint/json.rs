//! For machines; the published schema is `schema/lint.v1.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{FileReport, count};
use crate::lint::{Finding, Place, RuleId, Severity, rules};
use crate::recording::Text;

const FORMAT: &str = "profiler.lint";
const VERSION: u32 = 1;

/// What `profiler lint --format json` writes.
#[derive(Serialize, JsonSchema)]
struct Report<'a> {
    /// Always `profiler.lint`.
    format: &'static str,
    version: u32,
    files: Vec<File<'a>>,
    summary: Summary,
}

#[derive(Serialize, JsonSchema)]
struct File<'a> {
    /// As the user named it.
    path: &'a Text,
    /// Past the first finding nothing could be read.
    is_broken: bool,
    /// In the order of the text.
    findings: Vec<Told<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Told<'a> {
    rule: RuleId,
    severity: Severity,
    #[serde(flatten)]
    place: Place,
    message: &'a str,
    mend: &'static str,
    /// `--fix` mends it.
    is_fixable: bool,
}

#[derive(Serialize, JsonSchema)]
struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
}

#[derive(Serialize)]
struct Documented {
    rule: RuleId,
    severity: Severity,
    explanation: &'static str,
    mend: &'static str,
    source: &'static str,
}

pub fn json(files: &[FileReport]) -> String {
    crate::output::text::json(&Report {
        format: FORMAT,
        version: VERSION,
        files: files.iter().map(file).collect(),
        summary: Summary {
            errors: count(files, Severity::Error),
            warnings: count(files, Severity::Warning),
            notes: count(files, Severity::Note),
        },
    })
}

fn file(file: &FileReport) -> File<'_> {
    File {
        path: &file.path,
        is_broken: file.findings.is_broken,
        findings: file.findings.findings.iter().map(told).collect(),
    }
}

fn told(finding: &Finding) -> Told<'_> {
    Told {
        rule: finding.rule,
        severity: finding.severity,
        place: finding.place,
        message: &finding.message,
        mend: &finding.rule.rule().mend,
        is_fixable: finding.edit.is_some(),
    }
}

pub fn rules_as_json() -> String {
    let all = rules().iter().map(|rule| Documented {
        rule: rule.id,
        severity: rule.severity,
        explanation: &rule.explanation,
        mend: &rule.mend,
        source: &rule.source,
    });
    crate::output::text::json(&all.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Report, VERSION};

    #[test]
    fn the_published_schema_is_current() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("schema/lint.v{VERSION}.schema.json"));
        let schema = schemars::generate::SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Report<'_>>();
        let mut current = serde_json::to_string_pretty(&schema).unwrap();
        current.push('\n');
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            crate::file::replace(&path, current.as_bytes()).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == current,
            "{} is not what the types say. Where the format may change, write it again: \
             UPDATE_SCHEMA=1 cargo test -p profiler --lib schema",
            path.display()
        );
    }
}
