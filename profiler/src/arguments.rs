//! The catalogue of arguments (`profiles/arguments.json`): which the recorder notes, and how the
//! generator makes rules of them.
//!
//! One table for both, so that what is noted is what can be ruled. Values only.

use std::sync::LazyLock;

use profiler_common::Abi;
use serde::Deserialize;

use crate::names;

/// The catalogue.
pub static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../profiles/arguments.json"))
        .expect("a unit test parses it")
});

/// Calls of the i386 table that find their arguments in memory, where no filter looks, though
/// others of their names have them in registers: `ia32_mmap`
/// (<https://github.com/gregkh/linux/blob/v6.12.107/arch/x86/kernel/sys_ia32.c#L238>) and
/// `old_select` (<https://github.com/gregkh/linux/blob/v6.12.107/fs/select.c#L1388>).
const IN_MEMORY: [&str; 2] = ["mmap", "select"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "about")]
    _about: String,
    pub most_combinations: MostCombinations,
    pub calls: Vec<CatalogueCall>,
}

/// A call that was seen with more combinations gets no rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MostCombinations {
    pub count: usize,
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueCall {
    /// Its name, in every architecture that has it: [`Catalogue::noted`] tells where it counts.
    pub call: String,
    pub level: Level,
    /// Whose hot path it lies on.
    pub hot_path: Option<String>,
    pub why: String,
    pub source: String,
    /// [`profiler_common::NOTED_ARGUMENTS`] at most, by index.
    pub arguments: Vec<CatalogueArgument>,
    #[serde(default)]
    pub also: Vec<Also>,
    #[serde(default)]
    pub differs: Vec<Differs>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Gets a rule by default.
    Safe,
    /// Gets one with `--args all`.
    All,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueArgument {
    /// 0 to 5.
    pub index: u8,
    pub name: String,
    pub kind: Kind,
    /// The bits that count.
    #[serde(default = "all_bits")]
    pub mask: u32,
    pub only_where: Option<OnlyWhere>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Each value that was seen is allowed.
    Value,
    /// Every combination of the bits that were seen is.
    Flags,
    /// Each value of the mask's bits that was seen is.
    Mask,
}

/// The argument counts only where another has one of these values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlyWhere {
    pub index: u8,
    pub values: Vec<u32>,
}

/// A combination that is allowed without having been seen: a value for each of the call's
/// arguments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    pub values: Vec<u32>,
    pub reason: String,
}

/// An architecture on which the call's arguments are not these, or not where a filter sees them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differs {
    /// As seccomp names it.
    pub architecture: String,
    pub why: String,
}

const fn all_bits() -> u32 {
    u32::MAX
}

impl CatalogueArgument {
    /// Whether it does, beside the values that the call's other arguments have by index. One that is
    /// not known forbids nothing.
    pub fn counts(&self, value_of: impl FnOnce(u8) -> Option<u32>) -> bool {
        self.only_where.as_ref().is_none_or(|only| {
            value_of(only.index).is_none_or(|value| only.values.contains(&value))
        })
    }
}

impl Catalogue {
    pub fn call(&self, name: &str) -> Option<&CatalogueCall> {
        self.calls.iter().find(|call| call.call == name)
    }

    /// What is noted of a number's call. `None` also where the call of that name has its arguments
    /// elsewhere than in registers.
    pub fn noted(&self, abi: Abi, number: i32) -> Option<&CatalogueCall> {
        let name = names::syscall(abi, number);
        let in_memory = abi == Abi::I386 && IN_MEMORY.contains(&name.as_str());
        self.call(&name).filter(|_| !in_memory)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use profiler_common::{Abi, NOTED_ARGUMENTS, NOTED_CALLS, ONLY_WHERE};

    use super::{CATALOGUE, Kind, Level};
    use crate::names;

    #[test]
    fn every_line_stands_once_and_has_its_reason() {
        assert!(!CATALOGUE.most_combinations.reason.is_empty());
        let mut names = BTreeSet::new();
        for call in &CATALOGUE.calls {
            assert!(names.insert(&call.call), "{} stands there twice", call.call);
            assert!(!call.why.is_empty() && !call.source.is_empty());
            if call.level == Level::All {
                assert!(
                    call.hot_path.is_some(),
                    "{}: off which hot path?",
                    call.call
                );
            }
            assert!((1..=NOTED_ARGUMENTS).contains(&call.arguments.len()));
            assert!(call.arguments.is_sorted_by_key(|argument| argument.index));
            for argument in &call.arguments {
                assert!(argument.index < 6, "{}", call.call);
                let masked = argument.mask != u32::MAX;
                assert_eq!(masked, argument.kind == Kind::Mask, "{}", call.call);
                assert_ne!(argument.mask, 0, "{}", call.call);
                if let Some(other) = &argument.only_where {
                    let mut all = call.arguments.iter();
                    assert!(all.any(|known| known.index == other.index), "{}", call.call);
                    assert!((1..=ONLY_WHERE).contains(&other.values.len()));
                }
            }
            for also in &call.also {
                assert_eq!(also.values.len(), call.arguments.len(), "{}", call.call);
                assert!(!also.reason.is_empty());
                for (value, argument) in also.values.iter().zip(&call.arguments) {
                    assert_eq!(value & !argument.mask, 0, "{}", call.call);
                }
            }
            for differs in &call.differs {
                assert!(differs.architecture.starts_with("SCMP_ARCH_"));
                assert!(!differs.why.is_empty());
            }
            assert!(
                names::syscalls().contains(call.call.as_str()),
                "{}",
                call.call
            );
            let (_, line) = call.source.rsplit_once("#L").unwrap();
            assert!(line.parse::<u32>().is_ok(), "{}", call.source);
        }
        assert!(CATALOGUE.calls.len() < NOTED_CALLS as usize);
    }

    #[test]
    fn a_call_is_noted_in_every_table_that_has_its_arguments_in_registers() {
        let noted = |abi, number| {
            let call = CATALOGUE.noted(abi, number);
            call.map(|call| call.call.as_str())
        };
        assert_eq!(noted(Abi::X86_64, 9), Some("mmap"));
        assert_eq!(noted(Abi::X32, 9), Some("mmap"));
        assert_eq!(noted(Abi::I386, 359), Some("socket"));
        // Of one pointer.
        assert_eq!(noted(Abi::I386, 90), None);
        assert_eq!(noted(Abi::X86_64, 39), None);
        assert_eq!(noted(Abi::X86_64, -1), None);
    }
}
