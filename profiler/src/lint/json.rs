//! The text of a profile as JSON with places.
//!
//! Two parsers: serde_json is the judge of what is JSON, and limits how deep it may go; jsonc-parser,
//! held to the same, keeps the places.

use jsonc_parser::ast::Value;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::finding::Found;
use super::place::Lines;
use super::rules::RuleId;

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Where it ends to be JSON.
pub(super) fn parse<'a>(text: &'a str, lines: &Lines<'_>) -> Result<Value<'a>, Found> {
    let broken = |at: usize, why: &str| {
        Found::new(
            RuleId::InvalidJson,
            &(at..at),
            format!("this is no JSON: {why}"),
        )
    };
    if text.starts_with('\u{feff}') {
        let why = "it begins with a byte order mark, which no engine takes";
        return Err(broken(0, why).remove(&(0..'\u{feff}'.len_utf8())));
    }
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        let at = lines.offset(error.line(), error.column());
        let said = error.to_string();
        let why = said.split(" at line ").next().unwrap_or(&said);
        return Err(broken(at, why));
    }
    let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT)
        .map_err(|error| broken(error.range().start, &error.kind().to_string()))?;
    parsed.value.ok_or_else(|| broken(0, "it is empty"))
}

#[cfg(test)]
mod tests {
    use super::{Lines, parse};

    #[test]
    fn the_place_where_it_breaks_is_told() {
        for (text, line, column) in [
            ("", 1, 1),
            ("{", 1, 1),
            ("{\n  \"a\": 1\n  \"b\": 2\n}", 3, 3),
            ("{\"a\": [1, 2,]}", 1, 13),
            ("{\"a\": 1} x", 1, 10),
            ("{\"a\": \"\u{1}\"}", 1, 8),
            ("{\"a\": 1 // why\n}", 1, 9),
            ("{'a': 1}", 1, 2),
            ("{\"a\": 0x10}", 1, 8),
            ("\u{feff}{}", 1, 1),
            ("{\"a\": \0}", 1, 7),
        ] {
            let lines = Lines::new(text);
            let found = parse(text, &lines)
                .err()
                .unwrap_or_else(|| panic!("{text:?}"));
            let start = found.placed(&lines).place.start;
            assert_eq!((start.line, start.column), (line, column), "{text:?}");
        }
    }

    #[test]
    fn depth_has_an_end() {
        for text in ["[".repeat(1_000_000), "{\"a\":".repeat(1_000_000)] {
            assert!(parse(&text, &Lines::new(&text)).is_err());
        }
    }
}
