//! Samples of several variants that were measured in turn, and what may be said of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use serde_json::{Value, json};

/// A measurement, repeated.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) name: String,
    /// One a round, in the rounds' order; empty where it could not be measured.
    pub(super) samples: Vec<f64>,
    /// Why it could not.
    pub(super) note: String,
}

/// How a row stands to the first one.
#[derive(Clone, Copy)]
pub(super) enum Comparison {
    /// What it costs more; the row of that name is what the others' costs are measured by.
    Added { by: Option<&'static str> },
    /// How much of it is left: throughput.
    Share,
    /// How often the first one it takes: latency, time.
    Times,
}

pub(super) struct Table {
    /// Of its file.
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) unit: &'static str,
    pub(super) comparison: Comparison,
    /// What was done, and what is aimed at.
    pub(super) about: String,
    pub(super) rows: Vec<Row>,
}

/// The middle of some values, and the quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Middle {
    pub(super) median: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Middle {
    /// `None` of nothing.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        // Of few values, rather the wider range.
        Some(Self {
            median: f64::midpoint(values[last / 2], values[last.div_ceil(2)]),
            low: values[last / 4],
            high: values[(last * 3).div_ceil(4)],
        })
    }
}

impl Row {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            samples: Vec::new(),
            note: String::new(),
        }
    }

    pub(super) fn middle(&self) -> Option<Middle> {
        Middle::of(self.samples.iter().copied())
    }
}

impl Table {
    /// How a row stands to the first, round by round, as rounds are measured in turn: what the
    /// machine does meanwhile meets both.
    pub(super) fn compared(&self, row: &Row) -> Option<Middle> {
        let first = self.rows.first()?;
        let pairs = row.samples.iter().zip(&first.samples);
        Middle::of(pairs.map(|(own, base)| match self.comparison {
            Comparison::Added { .. } => own - base,
            Comparison::Share | Comparison::Times => own / base,
        }))
    }

    /// The added cost as a multiple of another row's.
    pub(super) fn multiple(&self, row: &Row) -> Option<Middle> {
        let Comparison::Added { by: Some(name) } = self.comparison else {
            return None;
        };
        let first = self.rows.first()?;
        let other = self.rows.iter().find(|other| other.name == name)?;
        let rounds = row.samples.iter().zip(&other.samples).zip(&first.samples);
        Middle::of(rounds.map(|((own, other), base)| (own - base) / (other - base)))
    }

    /// Whether the rounds do not agree which of the two is more.
    pub(super) fn is_noise(&self, compared: Middle) -> bool {
        let nothing = match self.comparison {
            Comparison::Added { .. } => 0.0,
            Comparison::Share | Comparison::Times => 1.0,
        };
        let agree = compared.low >= compared.high;
        !agree && compared.low <= nothing && nothing <= compared.high
    }

    pub(super) fn json(&self) -> Value {
        let middle = |middle: Option<Middle>| {
            middle.map(|m| json!({"median": m.median, "quartiles": [m.low, m.high]}))
        };
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name,
                    "samples": row.samples,
                    "measured": middle(row.middle()),
                    "compared": middle(self.compared(row)),
                    "multiple": middle(self.multiple(row)),
                    "note": row.note,
                })
            })
            .collect();
        json!({
            "id": self.id,
            "title": self.title,
            "unit": self.unit,
            "about": self.about,
            "rows": rows,
        })
    }
}

/// One thing to measure: each run gives a value for each of several tables.
pub(super) struct Variant<'a> {
    pub(super) name: String,
    /// One that does not run here is noted, and no failure; and as peers cost several times what we
    /// cost, few rounds tell by how much.
    pub(super) is_peer: bool,
    pub(super) measure: Box<dyn FnMut() -> Result<Vec<f64>> + 'a>,
}

impl<'a> Variant<'a> {
    pub(super) fn ours(
        name: impl Into<String>,
        measure: impl FnMut() -> Result<Vec<f64>> + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            is_peer: false,
            measure: Box::new(measure),
        }
    }

    pub(super) fn peer(
        name: impl Into<String>,
        measure: impl FnMut() -> Result<Vec<f64>> + 'a,
    ) -> Self {
        Self {
            is_peer: true,
            ..Self::ours(name, measure)
        }
    }
}

/// In so many of the rounds.
const ROUNDS_OF_PEERS: usize = 3;

/// How often all variants are measured, in turn.
pub(super) struct Rounds {
    pub(super) count: usize,
    /// Set by a signal: an orderly end, so that nothing is left behind.
    pub(super) interrupted: Arc<AtomicBool>,
}

impl Rounds {
    /// The rows of each of so many tables, in the variants' order.
    pub(super) fn measure(
        &self,
        tables: usize,
        mut variants: Vec<Variant<'_>>,
    ) -> Result<Vec<Vec<Row>>> {
        let rows = variants.iter().map(|variant| Row::new(&variant.name));
        let mut found = vec![rows.collect::<Vec<_>>(); tables];
        for round in 0..self.count {
            for place in 0..variants.len() {
                // Each comes first once: the first of a round may find a colder machine.
                let place = (place + round) % variants.len();
                let variant = &mut variants[place];
                let is_over = variant.is_peer && round >= ROUNDS_OF_PEERS;
                if is_over || !found[0][place].note.is_empty() {
                    continue;
                }
                eprintln!(
                    "bench: round {} of {}: {}",
                    round + 1,
                    self.count,
                    variant.name
                );
                let measured = (variant.measure)();
                if self.interrupted.load(Ordering::Relaxed) {
                    bail!("interrupted");
                }
                match measured {
                    Ok(values) => {
                        for (rows, value) in found.iter_mut().zip(values) {
                            rows[place].samples.push(value);
                        }
                    }
                    Err(error) if variant.is_peer => {
                        let reason = format!("does not run here: {error:#}");
                        eprintln!("bench: {}: {reason}", variant.name);
                        for rows in &mut found {
                            rows[place].samples.clear();
                            rows[place].note.clone_from(&reason);
                        }
                    }
                    Err(error) => return Err(error.context(variant.name.clone())),
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use super::{Comparison, Middle, Rounds, Row, Table, Variant};

    fn row(name: &str, samples: &[f64]) -> Row {
        Row {
            samples: samples.to_vec(),
            ..Row::new(name)
        }
    }

    fn table(rows: Vec<Row>) -> Table {
        Table {
            id: "t",
            title: "t".into(),
            unit: "ns",
            comparison: Comparison::Added { by: Some("empty") },
            about: String::new(),
            rows,
        }
    }

    fn rounds(count: usize) -> Rounds {
        Rounds {
            count,
            interrupted: Arc::default(),
        }
    }

    #[test]
    fn an_interrupted_measurement_is_no_result() {
        let rounds = rounds(3);
        let interrupted = rounds.interrupted.clone();
        let variant = Variant::peer("one", || {
            interrupted.store(true, Ordering::Relaxed);
            Ok(vec![1.0])
        });
        let error = rounds.measure(1, vec![variant]).err().unwrap();
        assert_eq!(error.to_string(), "interrupted");
    }

    #[test]
    fn variants_take_turns_and_each_is_first_once() {
        let order = RefCell::new(String::new());
        let variants = ["a", "b"].map(|name| {
            let order = &order;
            Variant::ours(name, move || {
                order.borrow_mut().push_str(name);
                Ok(vec![1.0, 2.0])
            })
        });
        let found = rounds(2).measure(2, variants.into()).unwrap();
        assert_eq!(*order.borrow(), "abba");
        assert_eq!(found[1][1].samples, [2.0, 2.0]);
    }

    #[test]
    fn peers_come_in_the_first_rounds_only() {
        let variants = vec![
            Variant::ours("one", || Ok(vec![1.0])),
            Variant::peer("two", || Ok(vec![1.0])),
        ];
        let found = rounds(5).measure(1, variants).unwrap();
        assert_eq!(found[0][0].samples.len(), 5);
        assert_eq!(found[0][1].samples.len(), 3);
    }

    #[test]
    fn the_middle_is_of_the_sorted_values() {
        let middle = Middle::of([9.0, 1.0, 5.0, 3.0, 7.0]).unwrap();
        let expected = Middle {
            low: 3.0,
            median: 5.0,
            high: 7.0,
        };
        assert_eq!(middle, expected);
        let alone = Middle {
            low: 4.0,
            median: 4.0,
            high: 4.0,
        };
        assert_eq!(Middle::of([4.0]), Some(alone));
        assert_eq!(Middle::of([]), None);
    }

    #[test]
    fn rounds_are_compared_pair_by_pair() {
        // The machine got slower, and the difference stayed.
        let table = table(vec![
            row("untraced", &[100.0, 200.0, 300.0]),
            row("empty", &[120.0, 220.0, 320.0]),
            row("ours", &[125.0, 225.0, 325.0]),
        ]);
        let compared = table.compared(&table.rows[2]).unwrap();
        assert!((compared.low - 25.0).abs() < 1e-9 && (compared.high - 25.0).abs() < 1e-9);
        assert!(!table.is_noise(compared));
        let multiple = table.multiple(&table.rows[2]).unwrap();
        assert!((multiple.median - 1.25).abs() < 1e-9);
    }

    #[test]
    fn what_the_rounds_do_not_agree_on_is_noise() {
        let table = table(vec![
            row("untraced", &[100.0, 100.0, 100.0]),
            row("empty", &[90.0, 101.0, 110.0]),
        ]);
        assert!(table.is_noise(table.compared(&table.rows[1]).unwrap()));
    }

    #[test]
    fn a_peer_that_fails_is_noted_and_ours_is_an_error() {
        let fails = || anyhow::bail!("no such thing");
        let variants = vec![
            Variant::ours("one", || Ok(vec![1.0])),
            Variant::peer("two", fails),
        ];
        let found = rounds(2).measure(1, variants).unwrap();
        assert_eq!(found[0][0].samples, [1.0, 1.0]);
        assert!(found[0][1].note.ends_with("no such thing"));
        let ours = vec![Variant::ours("one", fails)];
        assert!(rounds(1).measure(1, ours).is_err());
    }
}
