//! Text that says what it is meant to, whatever stands in it.

use std::fmt::Write as _;

use serde::Serialize;

use super::OutputError;
use crate::recording::terminals_obey;

/// JSON leaves DEL and the reordering characters as they are; a terminal must not see them.
pub(super) fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("plain values are always valid JSON");
    let mut shown = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c != '\n' && terminals_obey(c) {
            // All of them lie in the first plane, and nowhere but in strings.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown.push('\n');
    shown
}

/// Below comments. Long strings stay on their line.
pub(super) fn yaml(comments: &[String], value: &impl Serialize) -> String {
    let options = serde_saphyr::ser_options! {
        prefer_block_scalars: false,
        compact_list_indent: false,
    };
    let mut text = self::comments(comments);
    serde_saphyr::to_fmt_writer_with_options(&mut text, value, options)
        .expect("plain values are always valid YAML");
    text
}

/// Lines that begin with `#`.
pub(super) fn comments(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "# {}", one_line(line));
    }
    text
}

/// YAML 1.1 ends a line at U+0085, U+2028 and U+2029 too, and takes some characters nowhere, not
/// even in comments (<https://yaml.org/spec/1.1/#b-char>).
pub(super) fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() {
            shown.push(c);
        } else {
            let _ = write!(shown, "{}", c.escape_unicode());
        }
    }
    shown
}

/// No format has a way to write these that all of its readers take.
pub(super) fn check_path(path: &str) -> Result<(), OutputError> {
    if path.contains(|c: char| terminals_obey(c) || matches!(c, '\u{2028}' | '\u{2029}')) {
        let path = path.to_owned();
        return Err(OutputError::ProfilePath { path });
    }
    Ok(())
}

/// Of the characters that references consist of
/// (<https://github.com/distribution/reference/blob/v0.6.0/reference.go>).
pub(super) fn is_image(reference: &str) -> bool {
    reference.starts_with(|c: char| c.is_ascii_alphanumeric())
        && reference
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/:@+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::{check_path, is_image, json, one_line, yaml};

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_means_the_same() {
        let hostile = "a\u{7f}\u{202e}\u{1b}\n\u{9b}zwölf";
        let text = json(&[hostile]);
        assert!(
            text.chars().all(|c| c == '\n' || !super::terminals_obey(c)),
            "{text}"
        );
        let back: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, [hostile]);
    }

    #[test]
    fn a_comment_ends_where_its_line_does() {
        let hostile = "a\nb\r\u{85}c\u{2028}d\u{2029}e\u{feff}zwölf 十";
        assert_eq!(
            one_line(hostile),
            r"a\u{a}b\u{d}\u{85}c\u{2028}d\u{2029}e\u{feff}zwölf 十"
        );
        let text = yaml(&[hostile.to_owned()], &["x"]);
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn a_path_ends_no_line() {
        assert!(check_path("out dir/$HOME/100%/zwölf.json").is_ok());
        for path in ["a\nb", "a\u{2028}b", "a\u{85}b", "a\u{202e}b", "\0"] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn an_image_is_a_reference_and_no_option() {
        for image in ["nginx", "r.example:5000/team/nginx:1.2@sha256:00"] {
            assert!(is_image(image));
        }
        for other in ["", "--privileged", "a b", "$(id)", "a\nb", "ä", "%n"] {
            assert!(!is_image(other), "{other:?}");
        }
    }
}
