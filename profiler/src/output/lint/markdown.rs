//! For a comment on a pull request.

use std::fmt::Write as _;

use super::{FileReport, summary};
use crate::lint::{Finding, rules};

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

/// Names in a profile are somebody's: nothing in them is markup, a link or a mention.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
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

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_somebody_wrote_is_no_markup() {
        assert_eq!(
            plain("a|b <img> [x](y) @team `c` *d* a_b_c"),
            r"a\|b &lt;img&gt; \[x\](y) &#64;team \`c\` \*d\* a\_b\_c"
        );
    }
}
