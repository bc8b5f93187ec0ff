//! `cargo xtask tidy`: what compilers do not check.
//!
//! Reads every file that git knows or would add; changes none. The rules are pure functions of a
//! path and a text.

mod layers;
mod rust;
mod text;

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{output, workspace};

/// What is wrong, and on which line (from 1) of a file.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    line: usize,
    message: String,
}

impl Finding {
    fn new(line: usize, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { line, message }
    }
}

pub(crate) fn tidy() -> Result<()> {
    let list = output(Command::new("git").current_dir(workspace()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let (mut files, mut findings) = (0, 0);
    for path in list.lines() {
        // A file that is deleted but not yet committed so, and a binary one, have no text.
        let Ok(text) = fs::read_to_string(workspace().join(path)) else {
            continue;
        };
        files += 1;
        for finding in check(path, &text) {
            findings += 1;
            eprintln!("{path}:{}: {}", finding.line, finding.message);
        }
    }
    if findings > 0 {
        bail!("{findings} things are untidy");
    }
    eprintln!("tidy: {files} files are in order");
    Ok(())
}

/// `path` is relative to the workspace.
fn check(path: &str, content: &str) -> Vec<Finding> {
    // Cargo's own.
    if path == "Cargo.lock" {
        return Vec::new();
    }
    let mut findings = text::check_words(content);
    if !verbatim(path) {
        findings.extend(text::check_lines(content));
    }
    if has_extension(path, "rs") {
        findings.extend(rust::check(path, content));
    }
    if let Some(module) = path.strip_prefix("profiler/src/") {
        findings.extend(layers::check(module, content));
    }
    if path.starts_with("profiles/") {
        findings.extend(check_data(path, content));
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

fn check_data(path: &str, content: &str) -> Option<Finding> {
    if has_extension(path, "md") {
        return None;
    }
    if !has_extension(path, "json") {
        return Some(Finding::new(
            1,
            "data is JSON, so that this check can read it",
        ));
    }
    serde_json::from_str::<serde_json::Value>(content)
        .err()
        .map(|error| Finding::new(error.line(), format!("is no JSON: {error}")))
}

/// Recorded output, and input that is broken on purpose: kept to the byte.
fn verbatim(path: &str) -> bool {
    ["snap", "stderr", "stdout", "trycmd"]
        .iter()
        .any(|extension| has_extension(path, extension))
        || path.contains(".in/")
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, found)| found == extension)
}

#[cfg(test)]
mod tests {
    use super::{Finding, check};

    #[test]
    fn data_must_parse() {
        assert_eq!(check("profiles/a.json", "{}\n"), []);
        let findings = check("profiles/a.json", "{\n  \"a\": }\n");
        assert!(findings[0].message.starts_with("is no JSON"));
        assert_eq!(findings[0].line, 2);
        assert_eq!(check("profiles/a.bin", "x\n").len(), 1);
    }

    #[test]
    fn rules_apply_where_they_belong() {
        let import = "//! Names.\nuse crate::generator::Profile;\n";
        assert_eq!(check("xtask/src/names.rs", import), []);
        assert_eq!(
            check("profiler/src/names.rs", import),
            [Finding::new(
                2,
                "`names` may not import from `generator`: tables of the kernel's own names"
            )]
        );
        assert_eq!(check("Cargo.lock", "x \n"), []);
        assert_eq!(check("README.md", "x \n").len(), 1);
        assert_eq!(check("tests/cli/help.trycmd", "x \n"), []);
        assert_eq!(check("tests/cli/help.in/x.json", "{"), []);
    }
}
