//! With which arguments a call is allowed: those that were seen, as the catalogue
//! (`profiles/arguments.json`) says which of them count.
//!
//! A rule is made only where everything is known: every caller's arguments, noted as the catalogue
//! would have them today, none left out. Otherwise there is none, and a warning.

mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use self::pattern::{Pattern, patterns};
use super::input::{Call, Calls};
use super::portable::{Added, Stands};
use super::warning::Warning;
use crate::arguments::{CATALOGUE, CatalogueCall, Differs, Level};
use crate::profile::Comparison;
use crate::recording::{Arguments, NotedArgument};

/// Which calls get rules of their arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgumentRules {
    Off,
    /// Those off the hot paths, or whose abuse is worth the price.
    #[default]
    Safe,
    /// All of the catalogue.
    All,
}

impl ArgumentRules {
    fn cover(self, level: Level) -> bool {
        match self {
            Self::Off => false,
            Self::Safe => level == Level::Safe,
            Self::All => true,
        }
    }
}

/// A call is allowed where all comparisons of any one of these hold.
pub(super) type Ruled = BTreeMap<String, Vec<ArgumentRule>>;

pub(super) struct ArgumentRule {
    pub(super) comparisons: Vec<Comparison>,
    /// What they say, for people.
    pub(super) words: String,
    pub(super) because: Because,
}

/// Why a rule is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// As the call itself.
    Call,
    /// What it stands for was seen, for the reason.
    Portable(String),
    /// Nobody was seen calling so, but for the reason.
    Harmless(String),
}

/// Why a call that the catalogue names gets no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lack {
    NotNoted,
    NotedOtherwise,
    Overflowed,
    TooMany,
    /// Those of what the call stands for are not known.
    OfEquivalent,
}

/// `free` calls stand in the profile for another reason than that they were seen, so what was seen
/// is not all that they are allowed for.
pub(super) fn rules(
    calls: &Calls,
    free: &BTreeSet<String>,
    architectures: &[String],
    which: ArgumentRules,
    added: &Added,
) -> (Ruled, Vec<Warning>) {
    let stands = added.arguments(calls);
    let mut found = Ruled::new();
    let mut lacking: BTreeMap<Lack, BTreeSet<String>> = BTreeMap::new();
    let mut elsewhere = Elsewhere::default();
    for entry in &CATALOGUE.calls {
        let known = calls.named.get(&entry.call);
        let meant = known.filter(|call| call.is_seen() || added.has(&entry.call));
        let Some(call) = meant.filter(|_| which.cover(entry.level)) else {
            continue;
        };
        if free.contains(&entry.call) || elsewhere.is_judged(entry, call, added) {
            continue;
        }
        match of_call(entry, call, stands.get(entry.call.as_str())) {
            Ok(Some(rules)) => {
                elsewhere.add_idle(entry, architectures);
                found.insert(entry.call.clone(), rules);
            }
            Ok(None) => {}
            Err(lack) => {
                lacking.entry(lack).or_default().insert(entry.call.clone());
            }
        }
    }
    let mut warnings: Vec<Warning> = lacking.into_iter().map(about).collect();
    warnings.extend(elsewhere.warnings());
    (found, warnings)
}

fn about((lack, names): (Lack, BTreeSet<String>)) -> Warning {
    match lack {
        Lack::NotNoted => Warning::ArgumentsNotNoted { names },
        Lack::NotedOtherwise => Warning::ArgumentsNotedOtherwise { names },
        Lack::Overflowed => Warning::ArgumentsOverflowed { names },
        Lack::TooMany => Warning::TooManyArguments {
            names,
            most: CATALOGUE.most_combinations.count,
        },
        Lack::OfEquivalent => Warning::ArgumentsOfEquivalent { names },
    }
}

/// `None`: whatever the arguments are, they are allowed.
fn of_call(
    entry: &'static CatalogueCall,
    call: &Call,
    stands: Option<&Stands>,
) -> Result<Option<Vec<ArgumentRule>>, Lack> {
    let seen = if call.is_seen() {
        seen(entry, call)?
    } else {
        BTreeSet::new()
    };
    let none = BTreeMap::new();
    let stands = match stands {
        None => &none,
        Some(Stands::Any) => return Err(Lack::OfEquivalent),
        Some(Stands::With(values)) => values,
    };
    let patterns = patterns(entry, &seen, stands).ok_or(Lack::TooMany)?;
    if patterns.iter().any(Pattern::is_free) {
        return Ok(None);
    }
    let mut rules: Vec<ArgumentRule> = patterns.iter().map(|one| one.rule(entry)).collect();
    if !call.is_seen() {
        for rule in &mut rules {
            rule.because = Because::Call;
        }
    }
    Ok(Some(rules))
}

/// The combinations of all callers.
pub(super) fn seen<'c>(
    entry: &CatalogueCall,
    call: &'c Call,
) -> Result<BTreeSet<&'c Vec<u32>>, Lack> {
    let noted: Vec<NotedArgument> = entry.arguments.iter().map(NotedArgument::from).collect();
    let of_callers = call.arguments.values().flatten();
    let all: Vec<&Arguments> = of_callers
        .map(Option::as_ref)
        .collect::<Option<_>>()
        .ok_or(Lack::NotNoted)?;
    if all.iter().any(|arguments| arguments.noted != noted) {
        return Err(Lack::NotedOtherwise);
    }
    if all.iter().any(|arguments| arguments.overflowed) {
        return Err(Lack::Overflowed);
    }
    let seen: BTreeSet<&Vec<u32>> = all
        .iter()
        .flat_map(|arguments| &arguments.combinations)
        .collect();
    if seen.is_empty() {
        return Err(Lack::NotNoted);
    }
    Ok(seen)
}

/// Architectures on which a call's arguments are not those of the catalogue, with the calls and
/// the reason.
#[derive(Default)]
struct Elsewhere {
    /// The call was seen there, so it gets no rule.
    seen: ByPlace,
    /// The profile is carried there, so neither.
    carried: ByPlace,
    /// It was not; the rule says nothing there.
    idle: ByPlace,
}

/// Calls by architecture and reason.
type ByPlace = BTreeMap<(String, String), BTreeSet<String>>;

impl Elsewhere {
    fn is_judged(&mut self, entry: &CatalogueCall, call: &Call, added: &Added) -> bool {
        let mut found = false;
        for differs in &entry.differs {
            let calls = if call.arguments.contains_key(&differs.architecture) {
                &mut self.seen
            } else if added.is_carried_to(&differs.architecture) {
                &mut self.carried
            } else {
                continue;
            };
            add(calls, entry, differs);
            found = true;
        }
        found
    }

    fn add_idle(&mut self, entry: &CatalogueCall, architectures: &[String]) {
        for differs in &entry.differs {
            if architectures.contains(&differs.architecture) {
                add(&mut self.idle, entry, differs);
            }
        }
    }

    fn warnings(self) -> impl Iterator<Item = Warning> {
        let seen = self.seen.into_iter();
        let seen = seen.map(|((architecture, why), names)| Warning::ArgumentsElsewhere {
            architecture,
            why,
            names,
        });
        let idle = self.idle.into_iter();
        let idle = idle.map(|((architecture, why), names)| Warning::ArgumentsIdle {
            architecture,
            why,
            names,
        });
        let carried = self.carried.into_iter();
        let carried = carried.map(|((architecture, why), names)| Warning::ArgumentsCarried {
            architecture,
            why,
            names,
        });
        seen.chain(idle).chain(carried)
    }
}

fn add(calls: &mut ByPlace, entry: &CatalogueCall, differs: &Differs) {
    let key = (differs.architecture.clone(), differs.why.clone());
    calls.entry(key).or_default().insert(entry.call.clone());
}

#[cfg(test)]
mod tests;
