//! The figures against the truth: runs of a real program, drawn at random, so that the chance that
//! the next draw shows something new can be counted out.

use std::collections::BTreeSet;

use super::tests::run;
use super::{Discovery, Things, chance_at_most, discovery};
use crate::recording::Run;

/// Sessions of git as strace saw them: `tests/coverage/git-runs.sh`.
const RUNS: &str = include_str!("../../../tests/coverage/git-runs.txt");

const SEQUENCES: u32 = 300;

fn pool() -> Vec<BTreeSet<&'static str>> {
    RUNS.lines()
        .map(|line| line.split_whitespace().collect())
        .collect()
}

/// SplitMix64 (<https://doi.org/10.1145/2714064.2660195>): the same draws each time.
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let end = end as u64;
        usize::try_from((bits ^ (bits >> 31)) % end).expect("it is less than a usize")
    }
}

struct Drawn {
    found: Discovery,
    /// The chance that the next run shows something new.
    chance: f64,
    /// How many new things the last of them showed on average.
    new_in_last: f64,
}

fn draw(pool: &[BTreeSet<&'static str>], number: u32, draws: &mut Draws) -> Drawn {
    let mut things = Things::new();
    let mut new_in_last = 0.0;
    for id in 1..=number {
        if id == number {
            new_in_last = mean(pool, |run| unknown(run, &things));
        }
        for &name in &pool[draws.below(pool.len())] {
            things.entry(name.to_owned()).or_default().insert(id);
        }
    }
    let runs: Vec<Run> = (1..=number).map(|id| run(id, true)).collect();
    Drawn {
        found: discovery(&runs, &things),
        chance: mean(pool, |run| unknown(run, &things).min(1)),
        new_in_last,
    }
}

fn unknown(run: &BTreeSet<&'static str>, things: &Things) -> u32 {
    let unknown = run.iter().filter(|&&name| !things.contains_key(name));
    unknown.map(|_| 1).sum()
}

fn mean<T>(of: &[T], figure: impl Fn(&T) -> u32) -> f64 {
    let sum: u32 = of.iter().map(figure).sum();
    f64::from(sum) / f64::from(u32::try_from(of.len()).expect("there are some hundreds"))
}

#[test]
fn the_figures_hold_for_runs_of_a_real_program() {
    let pool = pool();
    let mut chance = Draws(8);
    for number in [5, 10, 30, 60, 120] {
        let drawn: Vec<Drawn> = (0..SEQUENCES)
            .map(|_| draw(&pool, number, &mut chance))
            .collect();
        let missed = mean(&drawn, |drawn| {
            u32::from(drawn.chance > chance_at_most(drawn.found.clean_runs))
        });
        let average = |figure: fn(&Drawn) -> f64| {
            drawn.iter().map(figure).sum::<f64>() / f64::from(SEQUENCES)
        };
        let new = average(|drawn| drawn.new_in_last);
        let estimated = average(|drawn| drawn.found.new_in_next.unwrap());
        println!("{number} runs: missed {missed}; new {estimated:.3}, in truth {new:.3}");
        assert!(missed <= 0.05, "{number} runs: {missed}");
        // It is what the last run showed, which is a little more than the next one will.
        let error = (estimated - new).abs();
        assert!(
            error < 0.05 + 0.25 * new,
            "{number} runs: {estimated}, not {new}"
        );
    }
}
