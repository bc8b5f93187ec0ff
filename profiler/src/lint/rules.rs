//! What is looked for (`profiles/lint.json`): a name, how grave it is, why it matters, what mends it.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Serialize};

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../profiles/lint.json"))
        .expect("a unit test parses it")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "about")]
    _about: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub id: RuleId,
    pub severity: Severity,
    pub explanation: String,
    pub mend: String,
    /// Where the fact stands.
    pub source: String,
}

/// From mild to grave.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RuleId {
    InvalidJson,
    DuplicateKey,
    UnknownKey,
    WrongType,
    MissingKey,
    ExclusiveKeys,
    UnknownAction,
    UnknownOperator,
    UnknownArchitecture,
    ForeignArchitecture,
    UnknownCapability,
    BadKernelVersion,
    UnknownFlag,
    IgnoredFlag,
    WeakeningFlag,
    NoEffect,
    ErrnoValue,
    NotifyUnusable,
    TraceAction,
    UnknownSyscall,
    NewerLibseccomp,
    NothingAllowed,
    DefaultAllow,
    SameAsDefault,
    Duplicate,
    EmptyRule,
    CoveredRule,
    ShadowedRule,
    ConflictingRules,
    LibseccompFault,
    EitherNotBoth,
    NeverMatches,
    AlwaysMatches,
    BitsOutsideMask,
    ArgumentIndex,
    PointerArgument,
    BypassableComparison,
    UnmaskedComparison,
    SignExtension,
    HostCall,
    WayRound,
    #[serde(rename = "clone3-refused")]
    Clone3Refused,
    MissingCall,
    MissingRuntimeCall,
    AbiUnsaid,
}

/// All of them, as they are documented.
pub fn rules() -> &'static [Rule] {
    &TABLE.rules
}

impl RuleId {
    pub fn rule(self) -> &'static Rule {
        rules()
            .iter()
            .find(|rule| rule.id == self)
            .expect("a unit test finds every rule in the table")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("lint has no rule {name:?}{}", .nearest.map_or_else(String::new, |id| format!("; did you mean {id}?")))]
pub struct UnknownRule {
    name: String,
    nearest: Option<RuleId>,
}

impl FromStr for RuleId {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        let parsed: Result<Self, serde::de::value::Error> =
            Self::deserialize(name.into_deserializer());
        parsed.map_err(|_| {
            let names = rules().iter().map(|rule| (rule.id, rule.id.to_string()));
            UnknownRule {
                name: name.to_owned(),
                nearest: super::words::nearest_of(name, names),
            }
        })
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{RuleId, rules};

    #[test]
    fn every_rule_stands_once_with_all_that_is_to_be_said() {
        let mut ids = BTreeSet::new();
        for rule in rules() {
            assert!(ids.insert(rule.id), "{} stands there twice", rule.id);
            for text in [&rule.explanation, &rule.mend] {
                assert!(text.ends_with('.'), "{}: {text}", rule.id);
            }
            assert!(rule.source.starts_with("https://"), "{}", rule.id);
            assert_eq!(rule.id.to_string().parse::<RuleId>().unwrap(), rule.id);
        }
        // The last of the enum, so that none of those before it is missing in the table.
        assert_eq!(ids.len(), RuleId::AbiUnsaid as usize + 1);
    }

    #[test]
    fn a_name_that_is_none_is_told_with_the_nearest() {
        let said = "unknown-syscal".parse::<RuleId>().unwrap_err().to_string();
        assert_eq!(
            said,
            "lint has no rule \"unknown-syscal\"; did you mean unknown-syscall?"
        );
    }
}
