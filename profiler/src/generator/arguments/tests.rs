use std::collections::{BTreeMap, BTreeSet};

use super::Because;
use super::pattern::{Pattern, patterns};
use crate::arguments::CatalogueCall;

/// A line of the catalogue; a test's few stay as long as it runs.
fn entry(arguments: &str, also: &str) -> &'static CatalogueCall {
    let text = format!(
        r#"{{"call": "x", "level": "safe", "why": "-", "source": "-",
            "arguments": {arguments}, "also": {also}}}"#
    );
    Box::leak(Box::new(serde_json::from_str(&text).unwrap()))
}

fn of(entry: &'static CatalogueCall, seen: &[&[u32]]) -> Option<Vec<Pattern>> {
    let seen: Vec<Vec<u32>> = seen.iter().map(|values| values.to_vec()).collect();
    patterns(
        entry,
        &seen.iter().collect::<BTreeSet<_>>(),
        &BTreeMap::new(),
    )
}

/// Index, mask and value of each comparison, a line a rule.
fn rules(entry: &'static CatalogueCall, seen: &[&[u32]]) -> Vec<Vec<(u32, u64, u64)>> {
    let patterns = of(entry, seen).unwrap();
    patterns
        .iter()
        .map(|pattern| {
            let rule = pattern.rule(entry);
            let all = rule.comparisons.iter();
            all.map(|one| (one.index, one.value, one.value_two))
                .collect()
        })
        .collect()
}

const ALL: u64 = 0xffff_ffff;

#[test]
fn each_combination_of_values_is_a_rule() {
    let two = entry(
        r#"[{"index": 1, "name": "a", "kind": "value"}, {"index": 2, "name": "b", "kind": "value"}]"#,
        r#"[{"values": [7, 8], "reason": "harmless"}]"#,
    );
    assert_eq!(
        rules(two, &[&[1, 2], &[1, 3]]),
        [
            [(1, ALL, 1), (2, ALL, 2)],
            [(1, ALL, 1), (2, ALL, 3)],
            [(1, ALL, 7), (2, ALL, 8)]
        ]
    );
    let patterns = of(two, &[&[1, 2]]).unwrap();
    let [seen, also] = &patterns[..] else {
        panic!("{patterns:?}")
    };
    assert_eq!(seen.rule(two).because, Because::Call);
    let harmless = Because::Harmless("harmless".to_owned());
    assert_eq!(also.rule(two).because, harmless);
    assert_eq!(also.rule(two).words, "a 7, b 8");
}

#[test]
fn flags_are_one_rule_of_their_union() {
    let flags = entry(
        r#"[{"index": 0, "name": "op", "kind": "value"}, {"index": 3, "name": "flags", "kind": "flags"}]"#,
        r#"[{"values": [1, 8], "reason": "harmless"}]"#,
    );
    assert_eq!(
        rules(flags, &[&[1, 1], &[1, 2], &[2, 4]]),
        [
            [(0, ALL, 1), (3, ALL & !0b1011, 0)],
            [(0, ALL, 2), (3, ALL & !0b100, 0)]
        ]
    );
    let alone = entry(r#"[{"index": 0, "name": "flags", "kind": "flags"}]"#, "[]");
    assert_eq!(rules(alone, &[&[u32::MAX]]), [[]]);
    assert!(of(alone, &[&[u32::MAX]]).unwrap()[0].is_free());
}

#[test]
fn an_argument_that_does_not_count_is_not_compared() {
    let socket = entry(
        r#"[{"index": 0, "name": "domain", "kind": "value"},
            {"index": 2, "name": "protocol", "kind": "value", "only_where": {"index": 0, "values": [16]}}]"#,
        "[]",
    );
    assert_eq!(
        rules(socket, &[&[1, 0], &[1, 5], &[16, 9]]),
        [vec![(0, ALL, 1)], vec![(0, ALL, 16), (2, ALL, 9)]]
    );
}

#[test]
fn masks_are_as_few_as_say_the_same() {
    let prot = entry(
        r#"[{"index": 2, "name": "prot", "kind": "mask", "mask": 6}]"#,
        r#"[{"values": [0], "reason": "a"}, {"values": [2], "reason": "b"}, {"values": [4], "reason": "c"}]"#,
    );
    assert_eq!(rules(prot, &[&[0]]), [[(2, 2, 0)], [(2, 4, 0)]]);
    assert!(of(prot, &[&[6]]).unwrap()[0].is_free());
}

/// Whatever was seen: what is allowed is that and nothing else.
#[test]
fn masks_say_the_same_as_the_values_they_stand_for() {
    let mask = entry(
        r#"[{"index": 0, "name": "a", "kind": "mask", "mask": 15}]"#,
        "[]",
    );
    for set in 1..(1_u32 << 16) {
        let seen: Vec<[u32; 1]> = (0..16)
            .filter(|value| set & (1 << value) != 0)
            .map(|value| [value])
            .collect();
        let seen: Vec<&[u32]> = seen.iter().map(<[u32; 1]>::as_slice).collect();
        let rules = rules(mask, &seen);
        for value in 0..16_u32 {
            let holds = |&(_, mask, wanted): &(u32, u64, u64)| u64::from(value) & mask == wanted;
            let allowed = rules.iter().any(|rule| rule.iter().all(holds));
            assert_eq!(allowed, set & (1 << value) != 0, "{set:#x} {value}");
        }
        assert!(rules.len() <= seen.len());
    }
}

#[test]
fn too_many_values_are_no_rule() {
    let value = entry(r#"[{"index": 0, "name": "a", "kind": "value"}]"#, "[]");
    let seen: Vec<[u32; 1]> = (0..25).map(|value| [value]).collect();
    let seen: Vec<&[u32]> = seen.iter().map(<[u32; 1]>::as_slice).collect();
    assert!(of(value, &seen[..24]).is_some());
    assert!(of(value, &seen).is_none());
}
