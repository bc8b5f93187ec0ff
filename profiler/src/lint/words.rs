//! Words from a profile: shown harmlessly, and what they may have meant.

use crate::recording::Text;

/// What is so unlike that nobody would mistype it is none.
const LIKE_ENOUGH: f64 = 0.8;

/// Longer ones are cut where they are shown.
const SHOWN: usize = 60;

/// In quotes, escaped, cut.
pub(super) fn quoted(word: &str) -> String {
    match word.char_indices().nth(SHOWN) {
        None => format!("{:?}", Text::from(word)),
        Some((end, _)) => format!("{:?}…", Text::from(&word[..end])),
    }
}

/// `; did you mean X?`, or nothing.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known = known.into_iter().map(|name| (name, name));
    nearest_of(word, known).map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// Whatever is called most like it. Words of two orders are alike (`SCMP_ARCH_AMD64`), so case counts
/// for little.
pub(super) fn nearest_of<T, N: AsRef<str>>(
    word: &str,
    known: impl Iterator<Item = (T, N)>,
) -> Option<T> {
    if word.len() > SHOWN {
        return None;
    }
    let word = word.to_ascii_lowercase();
    known
        .map(|(value, name)| {
            let name = name.as_ref().to_ascii_lowercase();
            (value, strsim::jaro_winkler(&word, &name))
        })
        .filter(|(_, likeness)| *likeness >= LIKE_ENOUGH)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, quoted};

    #[test]
    fn hostile_words_are_shown_harmlessly() {
        assert_eq!(quoted("\u{1b}[31m\u{202e}"), r#""\u{1b}[31m\u{202e}""#);
        let long = quoted(&"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), 63, "{long}");
    }

    #[test]
    fn only_what_is_like_enough_is_suggested() {
        let known = ["openat", "mount", "umount2"];
        assert_eq!(did_you_mean("mount_points", known), "; did you mean mount?");
        assert_eq!(did_you_mean("OPENAT", known), "; did you mean openat?");
        assert_eq!(did_you_mean("zzz", known), "");
        assert_eq!(did_you_mean(&"mount".repeat(1_000_000), known), "");
    }
}
