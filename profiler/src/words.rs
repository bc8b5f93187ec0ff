//! Words in a sentence. Escapes nothing: what comes from a container is a `Text` before.

/// With commas.
pub fn list<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let mut listed = String::new();
    for word in words {
        if !listed.is_empty() {
            listed.push_str(", ");
        }
        listed.push_str(word.as_ref());
    }
    listed
}

/// `1 run`, `2 runs`
pub fn count(number: usize, one: &str, more: &str) -> String {
    let what = if number == 1 { one } else { more };
    format!("{number} {what}")
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn commas_stand_between() {
        assert_eq!(list::<&str>([]), "");
        assert_eq!(list(["read"]), "read");
        assert_eq!(list(["read", "write", "close"]), "read, write, close");
    }
}
