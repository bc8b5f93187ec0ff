//! What real files can be turned into.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value};

/// Bytes that have nothing to do with any file, and real files with some bytes exchanged, left out or
/// put in, or with some of their values exchanged or left out.
pub(super) fn bytes(of: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..512),
        proptest::collection::vec(
            prop::sample::select(br#"{}[]":,0-9eE.\utfnl "#.as_slice()),
            0..256
        ),
        (prop::sample::select(of), edits()).prop_map(|(text, edits)| edited(text, &edits)),
        (prop::sample::select(of), exchanges())
            .prop_map(|(text, exchanges)| exchanged(text, &exchanges)),
    ]
}

/// A text with some bytes exchanged, left out or put in.
pub(super) fn bytes_of(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    edits().prop_map(move |edits| edited(text, &edits))
}

type Edit = (Index, u8, u8);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec(any::<Edit>(), 1..8)
}

fn edited(text: &str, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, how, byte) in edits {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match how % 4 {
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

type Exchange = (Index, Option<Value>);

fn exchanges() -> impl Strategy<Value = Vec<Exchange>> {
    proptest::collection::vec((any::<Index>(), proptest::option::of(value())), 1..6)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(
            [
                "SCMP_ACT_ALLOW",
                "SCMP_ARCH_X86",
                "CAP_CHOWN",
                "read",
                "\\x",
                "\\xff"
            ]
            .as_slice()
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// `None` leaves it out.
fn exchanged(text: &str, exchanges: &[Exchange]) -> Vec<u8> {
    let mut whole: Value = serde_json::from_str(text).expect("a real file is valid");
    for (at, by) in exchanges {
        let mut at = at.index(places(&whole));
        exchange(&mut whole, &mut at, by.as_ref());
    }
    whole.to_string().into_bytes()
}

/// Itself, and all below it.
fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(fields) => fields.values().map(places).sum(),
        _ => 0,
    }
}

/// Whether it was done: `at` counts down to the place.
fn exchange(value: &mut Value, at: &mut usize, by: Option<&Value>) -> bool {
    if *at == 0 {
        *value = by.cloned().unwrap_or_default();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => {
            for index in 0..items.len() {
                if *at == 0 && by.is_none() {
                    items.remove(index);
                    return true;
                }
                if exchange(&mut items[index], at, by) {
                    return true;
                }
            }
        }
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            for name in names {
                if *at == 0 && by.is_none() {
                    fields.remove(&name);
                    return true;
                }
                if exchange(&mut fields[&name], at, by) {
                    return true;
                }
            }
        }
        _ => {}
    }
    false
}
