//! A table as a picture: bars on a logarithmic scale, as peers differ by orders of magnitude.

use std::fmt::Write as _;

use super::figures::Table;
use super::markdown::figure;

const WIDTH: f64 = 900.0;
/// For the names, and for the figures behind the bars.
const LEFT: f64 = 290.0;
const RIGHT: f64 = 100.0;
const BAR: f64 = 22.0;
const GAP: f64 = 10.0;
const HEAD: f64 = 56.0;

/// What each row adds to the first; an SVG that follows the reader's colours.
pub(super) fn added(table: &Table) -> String {
    let bars: Vec<(&str, f64)> = table
        .rows
        .iter()
        .skip(1)
        .filter_map(|row| Some((row.name.as_str(), table.compared(row)?.median.max(1.0))))
        .collect();
    let most = bars.iter().map(|(_, value)| *value).fold(10.0, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / most.log10();
    let height = bars.iter().fold(HEAD, |height, _| height + BAR + GAP);
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="14">"#
    );
    let _ = writeln!(
        svg,
        "<style>text {{ fill: #222 }} rect {{ fill: #888 }} .ours {{ fill: #2a6fdb }} \
         @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd }} }}</style>"
    );
    let _ = writeln!(
        svg,
        r#"<text x="10" y="24" font-size="16">{}: nanoseconds added, logarithmic</text>"#,
        escaped(&table.title)
    );
    let mut y = HEAD;
    for (name, value) in bars {
        let width = (value.log10() * scale).max(2.0);
        let class = if name.starts_with("profiler") {
            r#" class="ours""#
        } else {
            ""
        };
        let (text, name) = (y + 16.0, escaped(name));
        let _ = writeln!(
            svg,
            r#"<text x="{}" y="{text}" text-anchor="end">{name}</text>"#,
            LEFT - 10.0
        );
        let _ = writeln!(
            svg,
            r#"<rect x="{LEFT}" y="{y}" width="{width:.0}" height="{BAR}"{class}/>"#
        );
        let _ = writeln!(
            svg,
            r#"<text x="{:.0}" y="{text}">{}</text>"#,
            LEFT + width + 8.0,
            figure(value)
        );
        y += BAR + GAP;
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
