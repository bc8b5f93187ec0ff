//! The report: what was tightened, from what to what, by which evidence, and what was tried in vain.

use std::fmt::Write as _;

use super::rows;
use crate::harden::{InReach, Label, MeasureTold, Report, Surface, TriedTold, never_drop};
use crate::output::markdown::{code, plain};
use crate::words::list;

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
    if let Some(found) = &report.surface {
        surface(&mut text, found);
    }
    calls(&mut text, report);
    let findings = report.findings.iter();
    let findings = findings.map(|f| format!("{}: {}. {}", f.what, f.risk, f.mend));
    section(
        &mut text,
        "What is wrong whatever the test says",
        &findings.collect::<Vec<_>>(),
    );
    section(
        &mut text,
        "Refused at first, and allowed for that",
        &report.widened,
    );
    section(&mut text, "What it leaves open", &report.warnings);
    let left_out = report.left_out.iter();
    let left_out = left_out.map(|one| format!("{}: {}", one.advice, one.reason));
    section(
        &mut text,
        "What guides advise besides, and no run tells",
        &left_out.collect::<Vec<_>>(),
    );
    how_sure(&mut text, report);
    text
}

fn how_sure(text: &mut String, report: &Report) {
    let work = &report.work;
    let _ = writeln!(
        text,
        "\n## How sure this is\n\nThe test passed {} times without restrictions and {} times recorded under \
         the measures; {} runs tried measures, {} capabilities, {} calls.",
        work.unrestricted, work.recorded, work.tried, work.ablated, work.calls
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

fn surface(text: &mut String, found: &Surface) {
    let all =
        found.cves_out_of_reach.len() + found.cves_in_reach.len() + found.cves_refused_by_default;
    let by = |one: &InReach| format!("{} by {}", one.cve, list(&one.calls));
    let in_reach: Vec<String> = found.cves_in_reach.iter().map(by).collect();
    let named = |names: &[String]| {
        if names.is_empty() {
            String::new()
        } else {
            format!(": {}", plain(&list(names)))
        }
    };
    let _ = writeln!(
        text,
        "\n## Attack surface\n\nThe filter allows {} calls. Docker's default allows {} to a container with the default \
         capabilities. Both counts include calls that are allowed with some arguments only.\n\nA table lists {all} \
         faults of the kernel with the calls by any of which each could be reached:\n\n\
         - {} in reach under Docker's default and out of reach now{}\n\
         - {} in reach still{}\n\
         - {} out of reach under Docker's default already\n\n\
         They are of 2008 to 2019 and mended since; they show which kernel code a fault of tomorrow may lie in. The table \
         names no arguments, so a call that is allowed with some counts as one that reaches.",
        found.calls,
        found.calls_by_default,
        found.cves_out_of_reach.len(),
        named(&found.cves_out_of_reach),
        in_reach.len(),
        named(&in_reach),
        found.cves_refused_by_default,
    );
}

/// By label, each with what its refusal did.
fn calls(text: &mut String, report: &Report) {
    if report.calls.is_empty() {
        return;
    }
    text.push_str(
        "\n## Calls, tried without\n\nThe profile keeps every call that was made, but for what --drop-silent left out: a test that passes \
         without a call has not shown that nobody needs it. Beside the test's word stood what the run left: ids, \
         groups, umask and capabilities of each process, modes and owners of files, open descriptors, the log.\n\n",
    );
    for label in [
        Label::Needed,
        Label::ChangesState,
        Label::Silent,
        Label::Unknown,
        Label::NotTried,
    ] {
        let of_it: Vec<_> = report
            .calls
            .iter()
            .filter(|call| call.label == label)
            .collect();
        let names = list(of_it.iter().map(|call| &call.name));
        if !of_it.is_empty() {
            let _ = writeln!(
                text,
                "- {} ({}): {}",
                label.words(),
                of_it.len(),
                plain(&names)
            );
        }
        for call in of_it {
            for how in &call.how {
                let _ = writeln!(text, "  - {}: {}", plain(&call.name), plain(how));
            }
            if let (Label::Silent, Some(why)) = (label, never_drop(&call.name)) {
                let _ = writeln!(
                    text,
                    "  - {} is never dropped: {}",
                    plain(&call.name),
                    plain(why)
                );
            }
        }
    }
    if !report.dropped.is_empty() {
        let _ = writeln!(
            text,
            "- left out of the profile: {}",
            plain(&list(&report.dropped))
        );
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
