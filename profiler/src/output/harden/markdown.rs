//! The report: what was tightened, from what to what, by which evidence, and what was tried in vain.

use std::fmt::Write as _;

use super::rows;
use crate::harden::{MeasureTold, Report, TriedTold};
use crate::output::markdown::{code, plain};

pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}, hardened\n\n", code(&report.image.to_string()));
    match (&report.incomplete, &report.after) {
        (Some(why), _) => {
            let _ = writeln!(text, "**Not the whole result: {}.**", plain(why));
        }
        (None, _) => text.push_str("All of what is written here passed the test together.\n"),
    }
    let _ = writeln!(text, "\nThe test: {}\n", code(&report.test.to_string()));
    if let Some(after) = &report.after {
        text.push_str("| | before | after |\n|---|---|---|\n");
        for (name, [before, after]) in rows(&report.before, after) {
            let _ = writeln!(text, "| {name} | {} | {} |", plain(&before), plain(&after));
        }
    }
    text.push_str("\n## What it runs with\n\n");
    for measure in &report.measures {
        self::measure(&mut text, measure);
    }
    if !report.capabilities.is_empty() {
        text.push_str("\n## Capabilities\n\n");
        for told in &report.capabilities {
            let kept = if told.is_kept { "kept" } else { "dropped" };
            let _ = writeln!(text, "- {} {kept}: {}", told.name, plain(&told.because));
        }
    }
    section(
        &mut text,
        "Refused at first, and allowed for that",
        &report.widened,
    );
    section(&mut text, "What it leaves open", &report.warnings);
    how_sure(&mut text, report);
    text
}

fn how_sure(text: &mut String, report: &Report) {
    let work = &report.work;
    let _ = writeln!(
        text,
        "\n## How sure this is\n\nThe test passed {} times without restrictions and {} times recorded under \
         the measures; {} runs tried measures, {} capabilities.",
        work.unrestricted, work.recorded, work.tried, work.ablated
    );
    // Nothing is claimed of a result that did not come to its end.
    if report.incomplete.is_none() {
        let _ = writeln!(
            text,
            "\nUnder the whole result the container was started {} times, and the test passed without \
             anything refused.",
            work.starts
        );
    }
    text.push_str(
        "\nWhat the test does not try is not in it: a feature that it leaves out may need a call or a \
         path that is refused now.\n",
    );
}

fn measure(text: &mut String, told: &MeasureTold) {
    let title = told.measure.title();
    let because = plain(&told.because);
    let _ = match told.tried {
        TriedTold::Kept => writeln!(text, "- {title}: kept, {}: {because}", code(&told.adds)),
        TriedTold::Refused => {
            writeln!(text, "- {title}: the test does not pass with it: {because}")
        }
        TriedTold::NotApplicable => writeln!(text, "- {title}: nothing to do: {because}"),
        TriedTold::NotTried => writeln!(text, "- {title}: not tried: {because}"),
    };
    for refused in &told.refused {
        let _ = writeln!(text, "  - tried and not kept: {}", plain(refused));
    }
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}\n");
    for line in lines {
        let _ = writeln!(text, "- {}", plain(line));
    }
}
