//! What the runs so far tell of those to come: figures of how often things were seen.
//!
//! Nothing is assumed of how likely any thing is, nor that one comes independently of another; only
//! that the runs are of one kind, and the next one too.

/// Of the upper bounds: so often they hold.
pub const CONFIDENCE: f64 = 0.95;

/// In how many of the runs each thing was seen.
#[derive(Clone, Debug)]
pub(super) struct Frequencies {
    runs: u32,
    /// None of them 0.
    seen_in: Vec<u32>,
}

impl Frequencies {
    pub(super) fn new(runs: u32, seen_in: impl IntoIterator<Item = u32>) -> Self {
        let seen_in = seen_in.into_iter().filter(|&count| count > 0).collect();
        Self { runs, seen_in }
    }

    pub(super) fn seen_in(&self, runs: u32) -> u32 {
        let counts = self.seen_in.iter().filter(|&&count| count == runs);
        counts.map(|_| 1).sum()
    }

    /// How many things 1, 2, … all of the runs show on average, over all choices of so many runs.
    pub(super) fn curve(&self) -> Vec<f64> {
        let mut shown = vec![0.0; self.runs as usize];
        for &count in &self.seen_in {
            // Of the choices so far, those in which it is not: one run more, and it is none of the
            // runs that have it.
            let mut missed = 1.0;
            for (chosen, shown) in (0..self.runs).zip(&mut shown) {
                let without = (self.runs - count).saturating_sub(chosen);
                missed *= f64::from(without) / f64::from(self.runs - chosen);
                *shown += 1.0 - missed;
            }
        }
        shown
    }

    /// How many new things the next run shows on average: Good and Turing's estimate (I. J. Good,
    /// Biometrika 40, 1953). `None` without a run.
    pub(super) fn new_in_next(&self) -> Option<f64> {
        (self.runs > 0).then(|| f64::from(self.seen_in(1)) / f64::from(self.runs))
    }

    /// How many things there are that no run has shown: Chao's second estimator, with its correction
    /// where nothing was seen in two runs (A. Chao, Biometrics 43, 1987). A lower bound where things
    /// come independently of each other; those that come together, as the calls of a feature do,
    /// make it too large while they were seen once. `None` without two runs.
    pub(super) fn unseen(&self) -> Option<f64> {
        if self.runs < 2 {
            return None;
        }
        let (runs, once) = (f64::from(self.runs), f64::from(self.seen_in(1)));
        let pairs = match self.seen_in(2) {
            0 => once * (once - 1.0).max(0.0) / 2.0,
            twice => once * once / (2.0 * f64::from(twice)),
        };
        Some((runs - 1.0) / runs * pairs)
    }
}

/// The largest chance of something new in a run that so many runs without leave room for: with a
/// larger one they would come in less than 5 of 100 cases.
pub fn chance_at_most(clean_runs: u32) -> f64 {
    if clean_runs == 0 {
        return 1.0;
    }
    1.0 - (1.0 - CONFIDENCE).powf(1.0 / f64::from(clean_runs))
}

/// How many runs without anything new leave room for no larger `chance`, which is more than 0.
pub fn clean_runs_for(chance: f64) -> u32 {
    let enough = (1..u32::MAX).find(|&runs| chance_at_most(runs) <= chance);
    enough.unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Frequencies, chance_at_most, clean_runs_for};

    #[test]
    fn few_clean_runs_leave_much_room() {
        for (runs, percent) in [(0, 100.0), (10, 25.887), (59, 4.951), (299, 0.997)] {
            let found = chance_at_most(runs) * 100.0;
            assert!((found - percent).abs() < 0.0005, "{runs}: {found}");
        }
        assert_eq!(clean_runs_for(0.05), 59);
        assert_eq!(clean_runs_for(0.01), 299);
    }

    /// The trees of Barro Colorado, as R's vegan has them: `specpool(BCI)` says 236.3732.
    #[test]
    fn chao_is_what_others_compute() {
        let others = (0..225 - 21 - 19).map(|_| 50);
        let seen_in = std::iter::repeat_n(1, 21).chain(std::iter::repeat_n(2, 19));
        let trees = Frequencies::new(50, seen_in.chain(others));
        let unseen = trees.unseen().unwrap();
        assert!((225.0 + unseen - 236.3732).abs() < 0.00005, "{unseen}");
    }

    #[test]
    fn what_comes_once_in_many_runs_tells_of_more() {
        let seen = Frequencies::new(10, [10, 10, 1, 1, 1]);
        assert_eq!(seen.new_in_next(), Some(0.3));
        // Nothing came twice: 9/10 · 3·2/2.
        assert_eq!(seen.unseen(), Some(2.7));
    }

    #[test]
    fn too_few_runs_tell_nothing() {
        let none = Frequencies::new(0, []);
        assert_eq!((none.new_in_next(), none.unseen()), (None, None));
        assert_eq!(none.curve(), Vec::<f64>::new());
        let one = Frequencies::new(1, [1, 1]);
        assert_eq!((one.new_in_next(), one.unseen()), (Some(2.0), None));
        assert_eq!(one.curve(), [2.0]);
    }

    proptest! {
        /// A bit a run for each thing: the mean over every choice of runs, counted out.
        #[test]
        fn the_curve_is_the_mean_over_all_choices(things in proptest::collection::vec(1_u32..64, 0..8)) {
            let seen_in = things.iter().map(|runs| runs.count_ones());
            let curve = Frequencies::new(6, seen_in).curve();
            for (size, found) in (1..=6_u32).zip(curve) {
                let choices: Vec<u32> = (0..64).filter(|c: &u32| c.count_ones() == size).collect();
                let shown = |choice: u32| things.iter().filter(|&&runs| runs & choice != 0).map(|_| 1).sum::<u32>();
                let total: u32 = choices.iter().map(|&choice| shown(choice)).sum();
                let number = u32::try_from(choices.len()).unwrap();
                let mean = f64::from(total) / f64::from(number);
                prop_assert!((found - mean).abs() < 1e-9, "{size} runs: {found}, not {mean}");
            }
        }
    }
}
