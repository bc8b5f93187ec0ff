//! Text from outside in Markdown.

/// Names are somebody's: nothing in them is markup, a link or a mention.
pub(super) fn plain(text: &str) -> String {
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
            // Ends no item and no row.
            '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// As code. A run of backticks in it ends none: the fence is longer.
pub(super) fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::{code, plain};

    #[test]
    fn what_somebody_wrote_is_no_markup() {
        assert_eq!(
            plain("a|b <img> [x](y) @team `c` *d* a_b_c"),
            r"a\|b &lt;img&gt; \[x\](y) &#64;team \`c\` \*d\* a\_b\_c"
        );
    }

    #[test]
    fn code_ends_where_it_is_meant_to() {
        assert_eq!(code("a\nb"), "`a b`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
    }
}
