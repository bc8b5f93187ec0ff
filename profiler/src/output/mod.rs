//! The formats in which a result leaves: one file a format. Text only; nothing is decided here.
//!
//! Text ends with a newline, and the same values make the same bytes.

mod capabilities;
mod docker_run;
mod oci;

pub use capabilities::capabilities;
pub use docker_run::docker_run;
pub use oci::oci;

use std::fmt::Write as _;

use serde::Serialize;

use crate::recording::terminals_obey;

/// JSON leaves DEL and the reordering characters as they are; a terminal must not see them.
fn json(value: &impl Serialize) -> String {
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

#[cfg(test)]
mod tests {
    use super::json;

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
}
