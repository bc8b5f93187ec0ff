//! Rules for Rust sources.

use super::Finding;

/// Past this a file has two subjects.
const LINES: usize = 400;

/// Split, so that this file keeps its own rules.
const NOWHERE: [(&str, &str); 4] = [
    (
        concat!("#[", "ignore"),
        "a test that does not run proves nothing",
    ),
    (concat!("to", "do!("), "finish it, or leave it out"),
    (concat!("unimple", "mented!("), "finish it, or leave it out"),
    (concat!("db", "g!("), "left over from debugging"),
];

const OUTSIDE_TESTS: [(&str, &str); 1] = [(
    concat!(".unw", "rap()"),
    "use expect, and say why it cannot fail",
)];

pub(super) fn check(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Unit tests in a file of their own are for what the file beside them is for.
    if !content.starts_with("//!") && !path.ends_with("/tests.rs") {
        findings.push(Finding::new(
            1,
            "opens with `//!`: what it is for, what it refuses to do",
        ));
    }
    let lines = content.lines().count();
    if lines > LINES {
        findings.push(Finding::new(
            lines,
            format!("{lines} lines: split it, {LINES} is the end"),
        ));
    }
    let tested = if path.starts_with("tests/") || path.ends_with("/tests.rs") {
        0
    } else {
        product(content).lines().count()
    };
    for (index, line) in content.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        let outside_tests = OUTSIDE_TESTS.iter().filter(|_| index < tested);
        for (pattern, why) in NOWHERE.iter().chain(outside_tests) {
            if code.contains(pattern) {
                findings.push(Finding::new(index + 1, format!("`{pattern}`: {why}")));
            }
        }
    }
    findings
}

/// The text before the unit tests, which are the last of a file, or all of it.
pub(super) fn product(content: &str) -> &str {
    ["\n#[cfg(test)]\nmod ", "\n#[test]\n"]
        .iter()
        .filter_map(|tests| content.find(tests))
        .min()
        .map_or(content, |end| &content[..end])
}

#[cfg(test)]
mod tests {
    use super::{LINES, NOWHERE, OUTSIDE_TESTS, check};

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(check("a.rs", "//! A.\nfn a() {}\n"), []);
        assert_eq!(check("a.rs", "fn a() {}\n")[0].line, 1);
    }

    #[test]
    fn a_file_has_an_end() {
        let mut content = "//! A.\n".repeat(LINES);
        assert_eq!(check("a.rs", &content), []);
        content.push_str("fn a() {}\n");
        assert_eq!(check("a.rs", &content)[0].line, LINES + 1);
    }

    #[test]
    fn leftovers_are_found_in_code_and_not_in_comments() {
        for (pattern, _) in NOWHERE {
            let content = format!("//! A.\n#[cfg(test)]\nmod tests {{\n    {pattern}\n}}\n");
            assert_eq!(check("a.rs", &content)[0].line, 4, "{pattern}");
            assert_eq!(check("a.rs", &format!("//! A.\n// {pattern}\n")), []);
        }
    }

    #[test]
    fn tests_may_do_what_the_product_may_not() {
        for (pattern, _) in OUTSIDE_TESTS {
            let content = format!("//! A.\nfn a() {{ b(){pattern}; }}\n");
            assert_eq!(check("a.rs", &content)[0].line, 2);
            assert_eq!(check("tests/live/a.rs", &content), []);
            assert_eq!(check("profiler/src/a/tests.rs", &content), []);
            let content = format!("//! A.\n\n#[cfg(test)]\nmod tests {{ b(){pattern}; }}\n");
            assert_eq!(check("a.rs", &content), []);
            let content = format!("//! A.\n\n#[test]\nfn a() {{ b(){pattern}; }}\n");
            assert_eq!(check("a.rs", &content), []);
        }
    }
}
