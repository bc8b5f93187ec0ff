//! For people: the answer first, then where it comes from, then what makes it better.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Report, Told};
use crate::recording::Phase;
use crate::words::{count, list};

pub fn text(report: &Report<'_>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "Subject: {}", report.subject);
    let runs = &report.runs;
    let _ = writeln!(
        out,
        "Runs: {}, of which {} from birth to end and passed",
        runs.recorded, runs.counted
    );
    let lost = report.lost.as_deref().unwrap_or("nothing");
    let _ = writeln!(out, "Lost: {lost}\n\n{}\n", answer(report));
    table(&mut out, report);
    if let Some(growth) = growth(&report.calls) {
        let _ = writeln!(out, "\nCalls that runs show on average: {growth}");
    }
    for (run, names) in late(report) {
        let _ = writeln!(out, "New in run {run}: {}", list(names));
    }
    out.push('\n');
    if let Some(next) = &report.next {
        let runs = count(next.clean_runs as usize, "more run", "more runs");
        let chance = percent(next.chance_at_most);
        let _ = writeln!(
            out,
            "For at most {chance}: {runs} on end that show nothing new. Record by `{}`, and name all recordings here.",
            next.command
        );
    }
    out.push_str(
        "Not counted: new arguments of known calls (`generate --args off` lets all pass), and what no run does.\n",
    );
    out
}

fn answer(report: &Report<'_>) -> String {
    let nothing = "Whether the next run needs something new cannot be told: ";
    match (report.clean_runs, report.runs.counted) {
        (0, 0) => {
            format!("{nothing}no run was watched from its birth to its end, and passed.")
        }
        (0, 1) => format!("{nothing}what differs between runs, one run does not show."),
        (0, _) => format!("{nothing}no run came after the last that showed something new."),
        (clean, _) => format!(
            "The next run needs something new with a chance of at most {} (95 % sure), by {} since the last news.",
            percent(report.chance_at_most),
            count(clean as usize, "run", "runs")
        ),
    }
}

/// Upwards, since it is a bound.
fn percent(chance: f64) -> String {
    format!("{:.1} %", (chance * 1000.0).ceil() / 10.0)
}

fn table(out: &mut String, report: &Report<'_>) {
    let head = [
        "known",
        "by one run",
        "new in the next",
        "unseen",
        "clean runs",
        "chance",
    ];
    row(out, "", &head.map(str::to_owned));
    row(out, "calls", &figures(&report.calls));
    for phase in &report.phases {
        row(out, name(phase.phase), &figures(&phase.told));
    }
    match &report.capabilities {
        Some(told) => row(out, "capabilities", &figures(told)),
        None => out.push_str("capabilities were not observed\n"),
    }
}

fn row(out: &mut String, name: &str, cells: &[String; 6]) {
    let [known, once, new, unseen, clean, chance] = cells;
    let _ = writeln!(
        out,
        "{name:<17}{known:>5}  {once:>10}  {new:>15}  {unseen:>7}  {clean:>10}  {chance:>7}"
    );
}

fn figures(told: &Told<'_>) -> [String; 6] {
    let or_unknown = |figure: Option<String>| figure.unwrap_or_else(|| "?".to_owned());
    [
        told.known.to_string(),
        told.once.to_string(),
        or_unknown(told.new_in_next_run.map(|new| format!("{new:.2}"))),
        or_unknown(told.unseen.map(|unseen| format!("≈ {unseen:.1}"))),
        told.clean_runs.to_string(),
        format!("≤ {}", percent(told.chance_at_most)),
    ]
}

const fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Runtime => "  runtime's tail",
        Phase::Workload => "  workload",
        Phase::Exec => "  exec sessions",
    }
}

/// At 1, 2, 5, 10, 20 … runs, and at all of them.
fn growth(calls: &Told<'_>) -> Option<String> {
    let last = calls.curve.len();
    if last < 2 {
        return None;
    }
    let decades = std::iter::successors(Some(1), |decade| Some(decade * 10));
    let round = decades.flat_map(|decade| [decade, 2 * decade, 5 * decade]);
    let points = round.take_while(|&runs| runs < last).chain([last]);
    Some(list(points.map(|runs| {
        let shown = calls.curve[runs - 1];
        format!("{shown:.1} by {}", count(runs, "run", "runs"))
    })))
}

/// What others than the first run showed.
fn late<'a>(report: &'a Report<'_>) -> BTreeMap<u32, Vec<&'a str>> {
    let mut late: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    let first = report.calls.news.first().map(|news| news.run);
    for told in [Some(&report.calls), report.capabilities.as_ref()] {
        for news in told.into_iter().flat_map(|told| &told.news) {
            if Some(news.run) != first {
                let names = news.names.iter().map(String::as_str);
                late.entry(news.run).or_default().extend(names);
            }
        }
    }
    late
}
