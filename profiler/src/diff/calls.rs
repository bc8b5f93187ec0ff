//! Call by call: which answers differ, and which way.

use std::collections::BTreeSet;

use profiler_common::Abi;

use super::{DiffError, Evidence, SetChange, Side};
use crate::names;
use crate::profile::Answer;
use crate::profile::evaluate::{Evaluator, Pairs};
use crate::profile::interpret::SeccompData;
use crate::risk::{self, Class};

/// Past the end of every table.
const NUMBERS: u32 = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was never allowed, and now it is, be it with some arguments only.
    Added,
    /// With more arguments than before.
    Loosened,
    /// With others than before: more, and fewer.
    Changed,
    /// With fewer arguments than before.
    Tightened,
    /// It was allowed, and never is now.
    Removed,
    /// It is allowed as before, and otherwise answered: another errno, a signal, a log entry.
    Answered,
}

impl Change {
    pub const ALL: [Self; 6] = [
        Self::Added,
        Self::Loosened,
        Self::Changed,
        Self::Tightened,
        Self::Removed,
        Self::Answered,
    ];

    /// Whether something is allowed that was not.
    pub const fn widens(self) -> bool {
        matches!(self, Self::Added | Self::Loosened | Self::Changed)
    }

    /// `None`: the answers do not differ.
    fn of(pairs: &Pairs) -> Option<Self> {
        let any = |wanted: (bool, bool)| {
            let permits = |(old, new): &(Answer, Answer)| (old.permits(), new.permits());
            pairs.keys().any(|pair| permits(pair) == wanted)
        };
        let (both, more, less) = (any((true, true)), any((false, true)), any((true, false)));
        match (more, less) {
            (true, true) => Some(Self::Changed),
            (true, false) if both => Some(Self::Loosened),
            (true, false) => Some(Self::Added),
            (false, true) if both => Some(Self::Tightened),
            (false, true) => Some(Self::Removed),
            (false, false) => {
                let differs = pairs.keys().any(|(old, new)| old != new);
                differs.then_some(Self::Answered)
            }
        }
    }
}

/// Two answers to the same call, with arguments that bring them about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    pub old: Answer,
    pub new: Answer,
    /// Those that the answers depend on.
    pub arguments: Vec<(usize, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallChange {
    /// All numbers without a name are one.
    pub call: Option<String>,
    pub change: Change,
    pub architectures: Vec<&'static str>,
    /// Each pair that differs, once.
    pub answers: Vec<Answers>,
    /// How dangerous it is.
    pub class: Class,
    pub evidence: Option<Evidence>,
    /// Only one run of several shows it, and it is not dangerous.
    pub may_be_chance: bool,
}

/// The architectures that only one of both lists, and what differs in the others.
pub(super) fn compare(
    older: &Evaluator,
    newer: &Evaluator,
) -> Result<(Vec<SetChange>, Vec<CallChange>), DiffError> {
    let (mut architectures, mut calls) = (Vec::new(), Vec::new());
    for abi in Abi::ALL {
        let changes = of_abi(older, newer, abi)?;
        if older.judges(abi) == newer.judges(abi) {
            for change in changes {
                add(&mut calls, change);
            }
        } else if !changes.is_empty() {
            architectures.push(SetChange {
                name: names::architecture(abi).to_owned(),
                is_added: newer.judges(abi),
                evidence: None,
            });
        }
    }
    calls.sort_by(|a, b| {
        let key = |change: &CallChange| (change.change, std::cmp::Reverse(change.class));
        key(a).cmp(&key(b)).then_with(|| a.call.cmp(&b.call))
    });
    Ok((architectures, calls))
}

fn of_abi(older: &Evaluator, newer: &Evaluator, abi: Abi) -> Result<Vec<CallChange>, DiffError> {
    let mut changes = Vec::new();
    for number in 0..NUMBERS {
        let call = SeccompData::new(abi, number, [0; 6]);
        let pairs = older.pairs(newer, &call).map_err(|reason| {
            let call = name(abi, number).map_or_else(|| number.to_string(), str::to_owned);
            DiffError::TooMany { call, reason }
        })?;
        let Some(change) = Change::of(&pairs) else {
            continue;
        };
        let name = name(abi, number);
        let answers = pairs.into_iter().filter(|((old, new), _)| old != new);
        add(
            &mut changes,
            CallChange {
                call: name.map(str::to_owned),
                change,
                architectures: vec![names::architecture(abi)],
                answers: answers.map(answers_of).collect(),
                class: risk::of(name.unwrap_or_default()).class,
                evidence: None,
                may_be_chance: false,
            },
        );
    }
    Ok(changes)
}

fn answers_of(((old, new), arguments): ((Answer, Answer), [Option<u64>; 6])) -> Answers {
    let known = arguments.into_iter().enumerate();
    Answers {
        old,
        new,
        arguments: known
            .filter_map(|(index, value)| Some((index, value?)))
            .collect(),
    }
}

fn name(abi: Abi, number: u32) -> Option<&'static str> {
    names::known_syscall(abi, i32::try_from(number).ok()?)
}

/// The same change of the same call is told once; how it was refused is no difference where it was
/// added or removed.
fn add(changes: &mut Vec<CallChange>, new: CallChange) {
    let is_whole = matches!(new.change, Change::Added | Change::Removed);
    let same = changes.iter_mut().find(|known| {
        let is_same = known.call == new.call && known.change == new.change;
        is_same && (is_whole || known.answers == new.answers)
    });
    let Some(known) = same else {
        changes.push(new);
        return;
    };
    for answers in new.answers {
        if !known.answers.contains(&answers) {
            known.answers.push(answers);
        }
    }
    for architecture in new.architectures {
        if !known.architectures.contains(&architecture) {
            known.architectures.push(architecture);
        }
    }
}

impl CallChange {
    /// By the recording that shows more of it.
    pub(super) fn explain(&mut self, old: &Side, new: &Side) {
        let side = match self.change {
            Change::Added | Change::Loosened | Change::Changed => new,
            Change::Tightened | Change::Removed => old,
            Change::Answered => return,
        };
        let (Some(recording), Some(name)) = (&side.recording, &self.call) else {
            return;
        };
        let architectures: BTreeSet<&str> = self.architectures.iter().copied().collect();
        let listed = recording.architectures.iter();
        let calls = listed
            .filter(|(architecture, _)| architectures.contains(architecture.as_str()))
            .filter_map(|(_, calls)| calls.get(name));
        let evidence = Evidence::of(recording, calls.flat_map(|call| &call.callers));
        // Stands in the profile for another reason.
        if evidence.askers.is_empty() {
            return;
        }
        self.may_be_chance = evidence.is_of_one_run() && self.class < Class::High;
        self.evidence = Some(evidence);
    }
}
