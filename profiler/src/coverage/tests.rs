//! Which run showed something new, and what runs count.

use super::{News, Things, discovery};
use crate::recording::{Outcome, Run};

pub(super) fn run(id: u32, is_whole: bool) -> Run {
    Run {
        id,
        started: format!("2026-01-02T03:04:{id:02}Z"),
        duration_ms: 1,
        container: None,
        from_birth: is_whole,
        to_end: true,
        outcome: Outcome {
            passed: true,
            test_exit: None,
            subject_exit: None,
            reason: None,
        },
    }
}

fn things(of: &[(&str, &[u32])]) -> Things {
    let things = of.iter().map(|(name, runs)| {
        let runs = runs.iter().copied().collect();
        ((*name).to_owned(), runs)
    });
    things.collect()
}

fn news(run: u32, names: &[&str]) -> News {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    News { run, names }
}

#[test]
fn runs_after_the_last_news_are_clean() {
    let runs: Vec<_> = (1..=6).map(|id| run(id, true)).collect();
    let things = things(&[
        ("read", &[1, 2, 3, 4, 5, 6]),
        ("rename", &[3, 5]),
        ("sync", &[3]),
    ]);
    let found = discovery(&runs, &things);
    assert_eq!(
        found.news,
        [news(1, &["read"]), news(3, &["rename", "sync"])]
    );
    assert_eq!((found.known, found.once, found.clean_runs), (3, 1, 3));
    assert_eq!(found.new_in_next, Some(1.0 / 6.0));
}

/// What it showed is known; that it showed nothing new says nothing; that it did does.
#[test]
fn a_run_that_was_watched_in_part_counts_against_us_only() {
    let mut runs: Vec<_> = (1..=4).map(|id| run(id, true)).collect();
    runs.extend([run(5, false), run(6, false)]);
    let known = things(&[("read", &[1, 2, 3, 4]), ("sync", &[4, 5])]);
    let found = discovery(&runs[..5], &known);
    assert_eq!((found.known, found.once, found.clean_runs), (2, 1, 0));
    let early = things(&[("read", &[1, 2, 3, 4])]);
    assert_eq!(discovery(&runs, &early).clean_runs, 3);
    let late = things(&[("read", &[1, 2, 3, 4]), ("sync", &[6])]);
    let found = discovery(&runs, &late);
    assert_eq!((found.known, found.once, found.clean_runs), (2, 0, 0));
    assert_eq!(found.news.last(), Some(&news(6, &["sync"])));
}

#[test]
fn a_failed_run_counts_against_us_only() {
    let mut runs: Vec<_> = (1..=3).map(|id| run(id, true)).collect();
    runs[2].outcome.passed = false;
    let found = discovery(&runs, &things(&[("read", &[1, 2, 3])]));
    assert_eq!((found.clean_runs, found.curve.len()), (1, 2));
}

#[test]
fn where_nothing_was_needed_no_run_was_news() {
    let found = discovery(&[run(1, true), run(2, true)], &Things::new());
    assert_eq!((found.known, found.clean_runs), (0, 2));
    assert_eq!((found.new_in_next, found.unseen), (Some(0.0), Some(0.0)));
}
