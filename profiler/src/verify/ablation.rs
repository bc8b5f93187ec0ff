//! Which of several things can be done without, by trying: the order of the trials, and what they
//! say together.
//!
//! A group is left out as a whole; where that fails, its halves are. What was found to go stays
//! out of every later trial, so the last that passed has tried all that goes at once.

/// What is left out of a trial, and what was learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ablation {
    /// The next last.
    groups: Vec<Group>,
    gone: Vec<String>,
    needed: Vec<String>,
    trials: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    names: Vec<String>,
    /// Left out with all that is gone by now, it was tried: that failed.
    failed: bool,
}

impl Ablation {
    /// Groups of what may go together; within one, neighbours are tried together longest.
    pub fn of(groups: impl IntoIterator<Item = Vec<String>>) -> Self {
        let mut ablation = Self::default();
        for names in groups {
            ablation.push(names, false);
        }
        ablation.groups.reverse();
        ablation.settle();
        ablation
    }

    /// What to leave out of the next trial; `None`: all is known.
    pub fn next(&self) -> Option<Vec<String>> {
        let group = self.groups.last()?;
        Some(self.gone.iter().chain(&group.names).cloned().collect())
    }

    /// How the trial of [`Ablation::next`] went.
    pub fn told(&mut self, passed: bool) {
        let Some(group) = self.groups.pop() else {
            return;
        };
        self.trials += 1;
        if passed {
            self.gone.extend(group.names);
            // The other half with these was the whole that failed.
            if let Some(other) = self.groups.last_mut()
                && other.failed
            {
                self.settle();
            }
        } else {
            // What was tried with others failed with them; now it may be for their sake.
            if let Some(other) = self.groups.last_mut() {
                other.failed = false;
            }
            self.split(group.names);
        }
    }

    /// What cannot go, and what can, all of it at once.
    pub fn result(self) -> Ablated {
        Ablated {
            needed: self.needed,
            gone: self.gone,
            trials: self.trials,
        }
    }

    /// A group that is known to fail needs no trial.
    fn settle(&mut self) {
        while self.groups.last().is_some_and(|group| group.failed) {
            if let Some(group) = self.groups.pop() {
                self.split(group.names);
            }
        }
    }

    fn split(&mut self, mut names: Vec<String>) {
        if names.len() == 1 {
            self.needed.append(&mut names);
            return;
        }
        let right = names.split_off(names.len() / 2);
        // Once the left half is gone, the right half is what is left of a whole that failed.
        self.push(right, true);
        self.push(names, false);
    }

    fn push(&mut self, names: Vec<String>, failed: bool) {
        if !names.is_empty() {
            self.groups.push(Group { names, failed });
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ablated {
    pub needed: Vec<String>,
    pub gone: Vec<String>,
    pub trials: u32,
}

#[cfg(test)]
mod tests {
    use super::{Ablated, Ablation};

    fn names(range: std::ops::Range<u32>) -> Vec<String> {
        range.map(|number| number.to_string()).collect()
    }

    fn run(groups: Vec<Vec<String>>, passes: impl Fn(&[String]) -> bool) -> Ablated {
        let mut ablation = Ablation::of(groups);
        while let Some(without) = ablation.next() {
            let outcome = passes(&without);
            ablation.told(outcome);
        }
        ablation.result()
    }

    fn needs(needed: &[&str]) -> impl Fn(&[String]) -> bool {
        let needed: Vec<String> = needed.iter().map(ToString::to_string).collect();
        move |without| !without.iter().any(|name| needed.contains(name))
    }

    #[test]
    fn every_set_of_needed_ones_is_found() {
        for bits in 0_u32..1 << 8 {
            let needed: Vec<String> = names(0..8)
                .into_iter()
                .filter(|name| bits & 1 << name.parse::<u32>().unwrap() != 0)
                .collect();
            let wanted: Vec<&str> = needed.iter().map(String::as_str).collect();
            let found = run(vec![names(0..3), names(3..8)], needs(&wanted));
            assert_eq!(found.needed, needed);
            assert_eq!(found.gone.len() + found.needed.len(), 8);
        }
    }

    #[test]
    fn where_most_can_go_the_trials_are_few() {
        assert_eq!(run(vec![names(0..41)], needs(&[])).trials, 1);
        let found = run(vec![names(0..41)], needs(&["17"]));
        assert_eq!(found.needed, ["17"]);
        assert!(found.trials <= 8, "{} trials", found.trials);
    }

    #[test]
    fn nothing_to_try_is_no_trial() {
        assert_eq!(run(vec![Vec::new()], needs(&[])), Ablated::default());
    }

    /// One of two is enough: the first goes, the other stays.
    #[test]
    fn what_stands_in_for_another_is_kept_once() {
        let passes = |without: &[String]| {
            !(without.contains(&"1".to_owned()) && without.contains(&"2".to_owned()))
        };
        let found = run(vec![names(0..4)], passes);
        assert_eq!(found.gone.len(), 3);
        assert!(passes(&found.gone), "all that goes was tried at once");
    }
}
