//! A filter as libseccomp holds it before it writes a program: rules by architecture and number.

use std::collections::HashMap;

use profiler_common::Abi;

use super::Refusal;
use super::places::{self, Place};
use super::tree::{Conflict, Level};
use crate::profile::interpret::low;
use crate::profile::{Answer, Comparison, Operator, Rule};

const ARGUMENTS: u32 = 6;

/// Rules with comparisons for one call: each is an instruction at least, unless they have some in
/// common, and the kernel takes no filter with more (BPF_MAXINSNS,
/// <https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/bpf_common.h#L54>).
const MOST: usize = 4096;

pub(super) enum Rules {
    Always(Answer),
    Where(Level),
}

#[derive(Default)]
pub(super) struct Filter<'a> {
    pub(super) rules: HashMap<(Abi, Place<'a>), Rules>,
    /// What each rule compares that went into a tree.
    pub(super) compared: HashMap<(Abi, Place<'a>), Vec<Vec<Comparison>>>,
}

impl<'a> Filter<'a> {
    pub(super) fn add(&mut self, abis: &[Abi], name: &'a str, rule: &Rule) -> Result<(), Refusal> {
        let answer = Answer::from(rule);
        for comparisons in separately(name, rule)? {
            for &abi in abis {
                for (place, operation) in places::of(abi, name) {
                    let own = at_place(&comparisons, operation.as_ref(), is_wide(abi));
                    let key = (abi, place);
                    self.put(key, own, answer)
                        .map_err(|Conflict| Refusal::Contradiction(name.to_owned()))?;
                    if self
                        .compared
                        .get(&key)
                        .is_some_and(|rules| rules.len() > MOST)
                    {
                        return Err(Refusal::TooMany(name.to_owned()));
                    }
                }
            }
        }
        Ok(())
    }

    fn put(
        &mut self,
        key: (Abi, Place<'a>),
        comparisons: Vec<Comparison>,
        answer: Answer,
    ) -> Result<(), Conflict> {
        let known = self.rules.get_mut(&key);
        if let Some(Rules::Always(_)) = known {
            // The first unconditional rule stays.
            return Ok(());
        }
        if comparisons.is_empty() {
            self.rules.insert(key, Rules::Always(answer));
            return Ok(());
        }
        let rule = Level::of(&comparisons, answer, is_wide(key.0));
        self.compared.entry(key).or_default().push(comparisons);
        if let Some(Rules::Where(tree)) = known {
            return tree.merge(rule);
        }
        self.rules.insert(key, Rules::Where(rule));
        Ok(())
    }
}

/// Whether arguments have 64 bits.
pub(super) const fn is_wide(abi: Abi) -> bool {
    matches!(abi, Abi::X86_64)
}

/// As runc hands them over: together, or where the rule compares an argument twice, each in a rule
/// of its own.
fn separately(name: &str, rule: &Rule) -> Result<Vec<Vec<Comparison>>, Refusal> {
    if let Some(wrong) = rule.args.iter().find(|one| one.index >= ARGUMENTS) {
        return Err(Refusal::ArgumentIndex {
            name: name.to_owned(),
            index: wrong.index,
        });
    }
    let mut comparisons = rule.args.clone();
    comparisons.sort_by_key(|one| one.index);
    let is_repeated = comparisons
        .windows(2)
        .any(|two| two[0].index == two[1].index);
    Ok(if is_repeated {
        rule.args.iter().map(|one| vec![one.clone()]).collect()
    } else {
        vec![comparisons]
    })
}

fn at_place(
    comparisons: &[Comparison],
    operation: Option<&Comparison>,
    wide: bool,
) -> Vec<Comparison> {
    let keeps = |one: &&Comparison| operation.is_none() || one.index != 0;
    let own = comparisons.iter().filter(keeps).cloned();
    let all = operation.cloned().into_iter().chain(own);
    all.filter(|one| !is_void(one, wide)).collect()
}

/// Compares nothing, so that libseccomp leaves it out.
fn is_void(comparison: &Comparison, wide: bool) -> bool {
    let mask = comparison.value;
    comparison.op == Operator::MaskedEqual && if wide { mask == 0 } else { low(mask) == 0 }
}
