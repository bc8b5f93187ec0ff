//! For machines; the published schema is `schema/lint.v1.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{FileReport, count};
use crate::lint::{Finding, Place, RuleId, Severity, rules};
use crate::recording::Text;

const FORMAT: &str = "profiler.lint";
const VERSION: u32 = 1;
const RULES_FORMAT: &str = "profiler.lint-rules";
const RULES_VERSION: u32 = 1;

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

/// What `profiler lint --rules --format json` writes; the published schema is
/// `schema/lint-rules.v1.schema.json`.
#[derive(Serialize, JsonSchema)]
struct Documentation {
    /// Always `profiler.lint-rules`.
    format: &'static str,
    version: u32,
    /// All that is looked for.
    rules: Vec<Documented>,
}

#[derive(Serialize, JsonSchema)]
struct Documented {
    rule: RuleId,
    severity: Severity,
    /// Why it matters.
    explanation: &'static str,
    mend: &'static str,
    /// Where the fact stands: an address.
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
    crate::output::text::json(&Documentation {
        format: RULES_FORMAT,
        version: RULES_VERSION,
        rules: all.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Documentation, RULES_VERSION, Report, VERSION};
    use crate::schema::{check, of_output};

    #[test]
    fn the_published_schemas_are_current() {
        check("lint", VERSION, &of_output::<Report<'_>>());
        check("lint-rules", RULES_VERSION, &of_output::<Documentation>());
    }
}
