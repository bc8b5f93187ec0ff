//! From JSON to a [`Document`], key by key.

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged as _;
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::fields::{Field, Fields, Reader, bytes, elements};
use super::{Action, ArchMapEntry, Comparison, Conditions, Document, Located, Rule, answer};
use crate::lint::NotAProfile;
use crate::lint::finding::Found;
use crate::lint::place::Bytes;
use crate::lint::rules::RuleId;
use crate::lint::words::{did_you_mean, quoted};
use crate::recording;

/// `defaultErrno` and `errno` are Podman's, by name
/// (<https://github.com/containers/common/blob/v0.62.0/pkg/seccomp/types.go>).
const PROFILE_KEYS: [&str; 9] = [
    "defaultAction",
    "defaultErrnoRet",
    "defaultErrno",
    "architectures",
    "archMap",
    "flags",
    "listenerPath",
    "listenerMetadata",
    "syscalls",
];
const RULE_KEYS: [&str; 9] = [
    "names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes",
];
const COMPARISON_KEYS: [&str; 4] = ["index", "value", "valueTwo", "op"];
const CONDITION_KEYS: [&str; 3] = ["caps", "arches", "minKernel"];
const ARCH_MAP_KEYS: [&str; 2] = ["architecture", "subArchitectures"];

const ACTIONS: [&str; 9] = [
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
];
const OPERATORS: [&str; 7] = [
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
];

const SMALL_NUMBER: &str = "a whole number from 0 to 4294967295";
const NUMBER: &str = "a whole number from 0 to 18446744073709551615";

pub(super) fn document(value: &Value<'_>, found: &mut Vec<Found>) -> Result<Document, NotAProfile> {
    let object = value.as_object().ok_or(NotAProfile::Other)?;
    check_format(object)?;
    let mut reader = Reader { found };
    let opening = object.range.start..object.range.start + 1;
    let mut fields = reader.fields(object, &PROFILE_KEYS);
    let before = reader.found.len();
    let default_action = fields.take("defaultAction");
    if default_action.is_none() {
        let message = "\"defaultAction\" is missing; without rules too, Docker takes that for no filter at all";
        reader.tell(Found::new(RuleId::MissingKey, &opening, message));
    }
    let default_action = reader.action(default_action);
    let default_errno = reader.errno(&mut fields, "defaultErrnoRet", "defaultErrno");
    let default_answer =
        answer(default_action.as_ref(), default_errno.as_ref()).filter(|_| reader.is_read(before));
    let architectures = fields.take("architectures");
    let architectures_at = architectures.as_ref().map(|field| field.key_at.clone());
    let architectures = reader.texts(architectures);
    let arch_map_field = fields.take("archMap");
    let arch_map_at = arch_map_field.as_ref().map(|field| field.key_at.clone());
    let arch_map = reader.arch_map(arch_map_field);
    if let Some(at) = arch_map_at.filter(|_| !architectures.is_empty() && !arch_map.is_empty()) {
        let message = "\"architectures\" and \"archMap\" exclude each other";
        reader.tell(Found::new(RuleId::ExclusiveKeys, &at, message));
    }
    let rules = fields.take("syscalls");
    let rules_at = rules.as_ref().map(|field| field.key_at.clone());
    Ok(Document {
        default_action,
        default_errno,
        default_answer,
        architectures,
        architectures_at,
        arch_map,
        flags: reader.texts(fields.take("flags")),
        listener_path: reader.text(fields.take("listenerPath")),
        listener_metadata: reader.text(fields.take("listenerMetadata")),
        rules: reader.rules(rules),
        rules_at: rules_at.unwrap_or(opening),
    })
}

fn check_format(object: &Object<'_>) -> Result<(), NotAProfile> {
    let format = object.get_string("format").map(|text| text.value.as_ref());
    if format == Some(recording::FORMAT) {
        return Err(NotAProfile::Recording);
    }
    let mut keys = object.properties.iter().map(|p| p.name.as_str());
    let is_known = |key: &str| {
        PROFILE_KEYS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(key))
    };
    keys.any(is_known).then_some(()).ok_or(NotAProfile::Other)
}

impl Reader<'_> {
    fn rules(&mut self, field: Option<Field<'_, '_>>) -> Vec<Rule> {
        let array = field.and_then(|field| self.array(&field));
        let mut rules = Vec::new();
        for (value, at, removal) in array.into_iter().flat_map(elements) {
            if let Some(object) = self.object("a rule", value) {
                rules.push(self.rule(object, at, removal));
            }
        }
        rules
    }

    fn rule(&mut self, object: &Object<'_>, at: Bytes, removal: Bytes) -> Rule {
        let before = self.found.len();
        let mut fields = self.fields(object, &RULE_KEYS);
        let opening = at.start..at.start + 1;
        let (one, many) = (fields.take("name"), fields.take("names"));
        if one.is_none() && many.is_none() {
            let message = "a rule without \"names\"";
            self.tell(Found::new(RuleId::MissingKey, &opening, message));
        }
        if let (Some(one), Some(_)) = (&one, &many) {
            let message = "\"name\" and \"names\" exclude each other";
            self.tell(Found::new(RuleId::ExclusiveKeys, &one.key_at, message));
        }
        let names_nothing = many
            .as_ref()
            .and_then(|many| many.value.as_array())
            .is_some_and(|many| many.elements.is_empty());
        let mut names: Vec<Located<String>> = self.text(one).into_iter().collect();
        names.extend(self.texts(many));
        if names_nothing && names.is_empty() {
            let found = Found::new(RuleId::EmptyRule, &at, "a rule for no call");
            self.tell(found.remove(&removal));
        }
        let action = fields.take("action");
        if action.is_none() {
            let message = "a rule without \"action\"";
            self.tell(Found::new(RuleId::MissingKey, &opening, message));
        }
        let action = self.action(action);
        let errno = self.errno(&mut fields, "errnoRet", "errno");
        self.text(fields.take("comment"));
        let comparisons = self.comparisons(fields.take("args"));
        let includes = self.conditions(fields.take("includes"));
        let excludes = self.conditions(fields.take("excludes"));
        Rule {
            answer: answer(action.as_ref(), errno.as_ref()).filter(|_| self.is_read(before)),
            has_unread_key: self.found[before..]
                .iter()
                .any(|found| found.rule == RuleId::UnknownKey),
            names,
            action,
            errno,
            comparisons,
            includes,
            excludes,
            removal,
        }
    }

    fn action(&mut self, field: Option<Field<'_, '_>>) -> Option<Located<Action>> {
        let word = self.text(field)?;
        let known = ACTIONS.contains(&word.value.as_str());
        self.word(word, RuleId::UnknownAction, "action", &ACTIONS, |name| {
            parsed(name).filter(|_| known)
        })
    }

    /// Podman names it besides, and takes the name first.
    fn errno(
        &mut self,
        fields: &mut Fields<'_, '_>,
        number: &str,
        name: &str,
    ) -> Option<Located<u32>> {
        let named = fields.take(name);
        let number_field = fields.take(number);
        if let Some(named) = named.filter(|_| number_field.is_none()) {
            let message = format!("only Podman reads {name:?}; write {number:?} beside it");
            self.tell(Found::new(RuleId::UnknownKey, &named.key_at, message));
        }
        self.number(number_field, SMALL_NUMBER)
    }

    fn word<T>(
        &mut self,
        word: Located<String>,
        rule: RuleId,
        what: &str,
        known: &[&str],
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Located<T>> {
        let Some(value) = parse(&word.value) else {
            let meant = did_you_mean(&word.value, known.iter().copied());
            let message = format!("no runtime knows the {what} {}{meant}", quoted(&word.value));
            self.tell(Found::new(rule, &word.at, message));
            return None;
        };
        Some(Located {
            value,
            at: word.at,
            removal: word.removal,
        })
    }

    fn comparisons(&mut self, field: Option<Field<'_, '_>>) -> Vec<Comparison> {
        let array = field.and_then(|field| self.array(&field));
        let mut all = Vec::new();
        for (value, at, _) in array.into_iter().flat_map(elements) {
            if let Some(object) = self.object("a comparison", value) {
                all.extend(self.comparison(object, at));
            }
        }
        all
    }

    /// `None` where it cannot be read whole.
    fn comparison(&mut self, object: &Object<'_>, at: Bytes) -> Option<Comparison> {
        let before = self.found.len();
        let mut fields = self.fields(object, &COMPARISON_KEYS);
        let (index, operator) = (fields.take("index"), fields.take("op"));
        for (key, is_missing) in [("index", index.is_none()), ("op", operator.is_none())] {
            if is_missing {
                let message = format!("a comparison without {key:?}");
                let opening = at.start..at.start + 1;
                self.tell(Found::new(RuleId::MissingKey, &opening, message));
            }
        }
        let index = self.number(index, SMALL_NUMBER);
        let operator = self.text(operator).and_then(|word| {
            self.word(
                word,
                RuleId::UnknownOperator,
                "operator",
                &OPERATORS,
                parsed,
            )
        });
        let value = self.number(fields.take("value"), NUMBER);
        let value_two = self.number(fields.take("valueTwo"), NUMBER);
        self.is_read(before).then_some(())?;
        let is_remark =
            |property: &ObjectProp<'_>| !COMPARISON_KEYS.contains(&property.name.as_str());
        Some(Comparison {
            at,
            has_remark: object.properties.iter().any(is_remark),
            index: index?,
            value,
            value_two,
            operator: operator?,
        })
    }

    fn conditions(&mut self, field: Option<Field<'_, '_>>) -> Conditions {
        let object = field.and_then(|field| self.object("a condition", field.value));
        let Some(object) = object else {
            return Conditions::default();
        };
        let mut fields = self.fields(object, &CONDITION_KEYS);
        Conditions {
            capabilities: self.texts(fields.take("caps")),
            architectures: self.texts(fields.take("arches")),
            min_kernel: self.text(fields.take("minKernel")),
        }
    }

    fn arch_map(&mut self, field: Option<Field<'_, '_>>) -> Vec<ArchMapEntry> {
        let array = field.and_then(|field| self.array(&field));
        let mut entries = Vec::new();
        for (value, _, _) in array.into_iter().flat_map(elements) {
            let Some(object) = self.object("an element of \"archMap\"", value) else {
                continue;
            };
            let mut fields = self.fields(object, &ARCH_MAP_KEYS);
            entries.push(ArchMapEntry {
                at: bytes(value.range()),
                architecture: self.text(fields.take("architecture")),
                others: self.texts(fields.take("subArchitectures")),
            });
        }
        entries
    }
}

/// As the profile model spells it.
fn parsed<T: DeserializeOwned>(word: &str) -> Option<T> {
    let parsed: Result<T, serde::de::value::Error> = T::deserialize(word.into_deserializer());
    parsed.ok()
}
