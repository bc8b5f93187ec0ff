//! Rules for every text file.

use super::Finding;

/// Split, so that this file keeps its own rules.
const FORBIDDEN: [(&str, &str); 7] = [
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/tmp/", "wt/"), "a path of one machine"),
    (concat!("/home", "/"), "a path of one machine"),
    (
        concat!("deb.", "debian.org"),
        "a registry's host: the machine's settings choose it",
    ),
    (
        concat!("index.", "crates.io"),
        "a registry's host: the machine's settings choose it",
    ),
    (
        concat!("static.", "crates.io"),
        "a registry's host: the machine's settings choose it",
    ),
    (
        concat!("session ", "notes"),
        "how the work was done, not what it is",
    ),
];

pub(super) fn check_words(content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in content.lines().enumerate() {
        for (word, why) in FORBIDDEN {
            if names(line, word) {
                findings.push(Finding::new(index + 1, format!("`{word}` is {why}")));
            }
        }
    }
    findings
}

pub(super) fn check_lines(content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in content.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            findings.push(Finding::new(
                index + 1,
                "white space at the end of the line",
            ));
        }
    }
    if !content.is_empty() && !content.ends_with('\n') {
        findings.push(Finding::new(
            content.lines().count(),
            "the last line has no end",
        ));
    }
    findings
}

/// Whether the word stands in the line on its own: not as a part of a longer path or name.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-/".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::{FORBIDDEN, check_lines, check_words};

    #[test]
    fn ends_of_lines() {
        assert_eq!(check_lines("a\n\nb\n"), []);
        assert_eq!(check_lines(""), []);
        assert_eq!(check_lines("a\nb \n")[0].line, 2);
        assert_eq!(check_lines("a\t\n").len(), 1);
        assert_eq!(check_lines("a\nb")[0].line, 2);
    }

    #[test]
    fn each_forbidden_word_is_found() {
        for (word, _) in FORBIDDEN {
            assert_eq!(check_words(&format!("see {word}x\n")).len(), 1, "{word}");
            assert_eq!(check_words(&format!("see b{word}x\n")), [], "{word}");
        }
    }
}
