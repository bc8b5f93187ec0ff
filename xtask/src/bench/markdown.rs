//! Tables for people.

use std::fmt::Write as _;

use super::figures::{Comparison, Middle, Row, Table};

/// With a title of this level (`##`).
pub(super) fn table(table: &Table, level: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{level} {}\n", table.title);
    if !table.about.is_empty() {
        let _ = writeln!(text, "{}\n", table.about);
    }
    let mut head = vec![String::new(), table.unit.into(), "quartiles".into()];
    head.push(match table.comparison {
        Comparison::Added { .. } => "added".into(),
        Comparison::Share => "of the first".into(),
        Comparison::Times => "times the first".into(),
    });
    if let Comparison::Added { by: Some(by) } = table.comparison {
        head.push(format!("times what {by} adds"));
    }
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(head.len() - 1));
    for (place, row) in table.rows.iter().enumerate() {
        let mut cells = vec![row.name.clone()];
        cells.extend(figures(table, row, place == 0));
        cells.resize(head.len(), String::new());
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn figures(table: &Table, row: &Row, is_first: bool) -> Vec<String> {
    let Some(middle) = row.middle() else {
        // An error's text: of several lines, perhaps.
        let note = row.note.lines().next().unwrap_or_default();
        return vec![note.replace('|', r"\|")];
    };
    let mut cells = vec![
        figure(middle.median),
        format!("{} – {}", figure(middle.low), figure(middle.high)),
    ];
    if is_first {
        return cells;
    }
    let compared = table.compared(row);
    cells.push(compared.map_or_else(String::new, |compared| {
        let what = match table.comparison {
            Comparison::Added { .. } if compared.median < 0.0 => figure(compared.median),
            Comparison::Added { .. } => format!("+{}", figure(compared.median)),
            Comparison::Share | Comparison::Times => with_quartiles(compared),
        };
        if table.is_noise(compared) {
            format!("{what} (not told apart: the rounds disagree)")
        } else {
            what
        }
    }));
    if let Some(multiple) = table.multiple(row) {
        cells.push(with_quartiles(multiple));
    }
    cells
}

/// `0.97 (0.95 – 0.99)`, or the one figure where it is all there is.
fn with_quartiles(middle: Middle) -> String {
    let [median, low, high] = [middle.median, middle.low, middle.high].map(ratio);
    if low == high {
        median
    } else {
        format!("{median} ({low} – {high})")
    }
}

fn ratio(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else {
        figure(value)
    }
}

/// With three digits that count, and thousands apart.
pub(super) fn figure(value: f64) -> String {
    if value.abs() < 100.0 {
        let decimals = if value.abs() < 10.0 { 2 } else { 1 };
        return format!("{value:.decimals$}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::figure;
    use crate::bench::figures::{Comparison, Row, Table};

    #[test]
    fn a_table_says_what_is_not_known() {
        let row = |name: &str, samples: &[f64]| Row {
            samples: samples.to_vec(),
            ..Row::new(name)
        };
        let table = Table {
            id: "t",
            title: "A call".into(),
            unit: "ns",
            comparison: Comparison::Added { by: Some("empty") },
            about: "Aimed at: little.".into(),
            rows: vec![
                row("untraced", &[100.0, 102.0, 101.0]),
                row("empty", &[120.0, 122.0, 121.0]),
                row("ours", &[125.0, 127.0, 126.0]),
                row("noisy", &[90.0, 102.0, 111.0]),
                Row {
                    note: "no |\nat all".into(),
                    ..Row::new("peer")
                },
            ],
        };
        let expected = "\
### A call

Aimed at: little.

|  | ns | quartiles | added | times what empty adds |
|---|--:|--:|--:|--:|
| untraced | 101 | 100 – 102 |  |  |
| empty | 121 | 120 – 122 | +20.0 | 1.00 |
| ours | 126 | 125 – 127 | +25.0 | 1.25 |
| noisy | 102 | 90.0 – 111 | +0.00 (not told apart: the rounds disagree) | 0.00 (-0.50 – 0.50) |
| peer | no \\| |  |  |  |
";
        assert_eq!(super::table(&table, "###"), expected);
    }

    #[test]
    fn figures_are_read_easily() {
        for (value, text) in [
            (1.234, "1.23"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
            (-123.0, "-123"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(figure(value), text);
        }
    }
}
