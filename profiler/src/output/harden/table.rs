//! Before and after, in columns.

use std::fmt::Write as _;

use super::rows;
use crate::harden::Report;

/// Empty where there is no after.
pub fn table(report: &Report) -> String {
    let Some(after) = &report.after else {
        return String::new();
    };
    let rows = rows(&report.before, after);
    let width = |column: fn(&(&'static str, [String; 2])) -> usize| {
        rows.iter().map(column).max().unwrap_or_default()
    };
    let (first, second) = (
        width(|(name, _)| name.len()),
        width(|(_, [before, _])| before.chars().count()).max("before".len()),
    );
    let mut text = String::new();
    let head = ["before".to_owned(), "after".to_owned()];
    for (name, [before, after]) in std::iter::once(&("", head)).chain(&rows) {
        let _ = writeln!(text, "{name:first$}  {before:second$}  {after}");
    }
    text
}
