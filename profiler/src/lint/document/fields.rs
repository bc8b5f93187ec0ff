//! Objects and arrays, by place: keys that nobody reads, or that stand twice, are told here.

use jsonc_parser::ast::{Array, Object, ObjectProp, Value};
use jsonc_parser::common::{Range, Ranged as _};

use super::Located;
use crate::lint::finding::Found;
use crate::lint::place::Bytes;
use crate::lint::rules::{RuleId, Severity};
use crate::lint::words::{did_you_mean, quoted};

pub(super) fn bytes(range: Range) -> Bytes {
    range.start..range.end
}

/// Reads values and keeps what is wrong with them.
pub(super) struct Reader<'f> {
    pub(super) found: &'f mut Vec<Found>,
}

/// A key that a parser reads, and its value.
pub(super) struct Field<'v, 'a> {
    name: &'static str,
    pub(super) key_at: Bytes,
    removal: Bytes,
    pub(super) value: &'v Value<'a>,
}

/// Of one object; each is taken once.
pub(super) struct Fields<'v, 'a>(Vec<Field<'v, 'a>>);

impl<'v, 'a> Fields<'v, 'a> {
    /// A null is as good as nothing.
    pub(super) fn take(&mut self, name: &str) -> Option<Field<'v, 'a>> {
        let at = self.0.iter().position(|field| field.name == name)?;
        let field = self.0.swap_remove(at);
        (!matches!(field.value, Value::NullKeyword(_))).then_some(field)
    }
}

/// Written for people; engines skip them.
fn is_remark(key: &str) -> bool {
    key.starts_with(['_', '$', '#', '/']) || matches!(key, "comment" | "comments" | "description")
}

impl Reader<'_> {
    pub(super) fn tell(&mut self, found: Found) {
        self.found.push(found);
    }

    /// Whether all was read since so much was found: no engine takes a profile with an error of this kind.
    pub(super) fn is_read(&self, since: usize) -> bool {
        let mut found = self.found[since..].iter();
        found.all(|found| found.rule.rule().severity < Severity::Error)
    }

    /// Of a key that stands twice the last counts, as engines have it.
    pub(super) fn fields<'v, 'a>(
        &mut self,
        object: &'v Object<'a>,
        known: &[&'static str],
    ) -> Fields<'v, 'a> {
        let ranges: Vec<Bytes> = object.properties.iter().map(|p| bytes(p.range())).collect();
        let mut fields: Vec<Field<'v, 'a>> = Vec::new();
        for (index, property) in object.properties.iter().enumerate() {
            let Some(name) = self.known_key(property, known) else {
                continue;
            };
            let key_at = key_at(property);
            if let Some(first) = fields.iter().position(|field| field.name == name) {
                let message = format!("the key {} stands twice; the last one counts", quoted(name));
                self.tell(Found::new(RuleId::DuplicateKey, &key_at, message));
                fields.remove(first);
            }
            fields.push(Field {
                name,
                key_at,
                removal: removal(&ranges, index),
                value: &property.value,
            });
        }
        Fields(fields)
    }

    fn known_key(
        &mut self,
        property: &ObjectProp<'_>,
        known: &[&'static str],
    ) -> Option<&'static str> {
        let key = property.name.as_str();
        if let Some(name) = known.iter().find(|name| **name == key) {
            return Some(name);
        }
        if is_remark(key) {
            return None;
        }
        let in_another_case = known.iter().find(|name| name.eq_ignore_ascii_case(key));
        let shown = quoted(key);
        let at = key_at(property);
        self.tell(if let Some(name) = in_another_case {
            let message = format!("{shown} is read by engines in Go only; spell it {name:?}");
            Found::new(RuleId::UnknownKey, &at, message).replace(&at, format!("{name:?}"))
        } else {
            let meant = did_you_mean(key, known.iter().copied());
            let message = format!("no engine reads the key {shown} here{meant}");
            Found::new(RuleId::UnknownKey, &at, message)
        });
        in_another_case.copied()
    }

    pub(super) fn wrong_type(&mut self, what: &str, value: &Value<'_>, wanted: &str) {
        let message = format!("{what} must be {wanted}, and is {}", kind(value));
        self.tell(Found::new(
            RuleId::WrongType,
            &bytes(value.range()),
            message,
        ));
    }

    pub(super) fn object<'v, 'a>(
        &mut self,
        what: &str,
        value: &'v Value<'a>,
    ) -> Option<&'v Object<'a>> {
        let object = value.as_object();
        if object.is_none() {
            self.wrong_type(what, value, "an object");
        }
        object
    }

    pub(super) fn array<'v, 'a>(&mut self, field: &Field<'v, 'a>) -> Option<&'v Array<'a>> {
        let array = field.value.as_array();
        if array.is_none() {
            self.wrong_type(&quoted(field.name), field.value, "an array");
        }
        array
    }

    pub(super) fn text(&mut self, field: Option<Field<'_, '_>>) -> Option<Located<String>> {
        let field = field?;
        let Some(text) = field.value.as_string_lit() else {
            self.wrong_type(&quoted(field.name), field.value, "a string");
            return None;
        };
        Some(located(field, text.value.as_ref().to_owned()))
    }

    pub(super) fn texts(&mut self, field: Option<Field<'_, '_>>) -> Vec<Located<String>> {
        let Some(field) = field else {
            return Vec::new();
        };
        let Some(array) = self.array(&field) else {
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (value, at, removal) in elements(array) {
            match value.as_string_lit() {
                None => {
                    let what = format!("an element of {}", quoted(field.name));
                    self.wrong_type(&what, value, "a string");
                }
                Some(text) => texts.push(Located {
                    value: text.value.as_ref().to_owned(),
                    at,
                    removal,
                }),
            }
        }
        texts
    }

    pub(super) fn number<T: std::str::FromStr>(
        &mut self,
        field: Option<Field<'_, '_>>,
        wanted: &str,
    ) -> Option<Located<T>> {
        let field = field?;
        let number = field.value.as_number_lit();
        let Some(value) = number.and_then(|number| number.value.parse().ok()) else {
            self.wrong_type(&quoted(field.name), field.value, wanted);
            return None;
        };
        Some(located(field, value))
    }
}

fn located<T>(field: Field<'_, '_>, value: T) -> Located<T> {
    Located {
        value,
        at: bytes(field.value.range()),
        removal: field.removal,
    }
}

fn key_at(property: &ObjectProp<'_>) -> Bytes {
    bytes(property.name.range())
}

/// Each with its place, and with what to take out to be rid of it.
pub(super) fn elements<'v, 'a>(
    array: &'v Array<'a>,
) -> impl Iterator<Item = (&'v Value<'a>, Bytes, Bytes)> {
    let ranges: Vec<Bytes> = array.elements.iter().map(|e| bytes(e.range())).collect();
    array
        .elements
        .iter()
        .enumerate()
        .map(move |(index, value)| {
            let removal = removal(&ranges, index);
            (value, ranges[index].clone(), removal)
        })
}

/// With the comma and the white space on one side of it.
fn removal(all: &[Bytes], index: usize) -> Bytes {
    let own = &all[index];
    match (all.get(index + 1), index.checked_sub(1)) {
        (Some(next), _) => own.start..next.start,
        (None, Some(before)) => all[before].end..own.end,
        (None, None) => own.clone(),
    }
}

fn kind(value: &Value<'_>) -> String {
    match value {
        Value::StringLit(text) => format!("the string {}", quoted(&text.value)),
        Value::NumberLit(number) => format!("the number {}", cut(number.value)),
        Value::BooleanLit(boolean) => boolean.value.to_string(),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::NullKeyword(_) => "null".to_owned(),
    }
}

/// Digits have no end.
fn cut(number: &str) -> &str {
    &number[..number.len().min(30)]
}
