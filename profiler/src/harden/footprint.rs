//! What a run left behind, line by line: what two runs can be told apart by beside the test's word.
//!
//! Numbers that differ by chance (a pid, a time, a port) are taken out; what still differs among runs
//! of the same profile tells nothing, and is not compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::process_status::field;
use crate::recording::Text;

/// Sets of lines: how often something is there says less than that it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint(BTreeSet<String>);

/// Of /proc/PID/status.
const IDENTITY: [&str; 8] = [
    "Uid",
    "Gid",
    "Groups",
    "Umask",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "NoNewPrivs",
];

impl Footprint {
    /// `status`: /proc/PID/status; `descriptors`: what /proc/PID/fd names.
    pub fn task(&mut self, status: &str, descriptors: &[String]) {
        let name = plain(field(status, "Name").unwrap_or_default());
        let identity = IDENTITY.iter().filter_map(|key| {
            let value: Vec<&str> = field(status, key)?.split_whitespace().collect();
            Some(format!("{key} {}", value.join(" ")))
        });
        let identity: Vec<String> = identity.collect();
        self.0
            .insert(format!("task {name}: {}", identity.join(", ")));
        for target in descriptors {
            self.0.insert(format!("open in {name}: {}", plain(target)));
        }
        // A leak is seen where it doubles what is open.
        let magnitude = usize::BITS - descriptors.len().leading_zeros();
        self.0
            .insert(format!("open in {name}: fewer than {}", 1_u64 << magnitude));
    }

    pub fn file(&mut self, path: &str, mode: u32, user: u32, group: u32) {
        let path = plain(path);
        self.0.insert(format!(
            "file {path}: mode {:o}, of {user}:{group}",
            mode & 0o7777
        ));
    }

    pub fn log(&mut self, text: &str) {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        self.0
            .extend(lines.map(|line| format!("log: {}", plain(line))));
    }
}

/// What all of the `same` have and `other` has not, and what it has and none of them, by kind.
pub fn differences(same: &[Footprint], other: &Footprint) -> Vec<String> {
    let Some((first, rest)) = same.split_first() else {
        return Vec::new();
    };
    let in_all = |line: &&String| rest.iter().all(|one| one.0.contains(*line));
    let gone = first
        .0
        .iter()
        .filter(in_all)
        .filter(|line| !other.0.contains(*line));
    let new = other
        .0
        .iter()
        .filter(|line| !same.iter().any(|one| one.0.contains(*line)));
    let mut told: BTreeMap<&String, &str> = gone.map(|line| (line, "no more")).collect();
    told.extend(new.map(|line| (line, "new")));
    told.into_iter()
        .map(|(line, what)| format!("{what}: {line}"))
        .collect()
}

/// Each run of digits as one `#`, so too in longer words of hexadecimal digits.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let letters = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_hex = letters.len() >= 8 && letters.chars().all(|c| c.is_ascii_hexdigit());
        let mut was_digit = false;
        for c in word.chars() {
            let is_digit = c.is_ascii_digit() || (is_hex && c.is_ascii_hexdigit());
            if !(is_digit && was_digit) {
                plain.push(if is_digit { '#' } else { c });
            }
            was_digit = is_digit;
        }
    }
    Text::from(plain).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Footprint, differences, plain};

    const STATUS: &str = "Name:\tredis-server\nUmask:\t0077\nUid:\t999\t999\t999\t999\n\
                          Gid:\t999\t999\t999\t999\nGroups:\t999 \nCapEff:\t0000000000000000\n";

    fn of(status: &str, mode: u32, log: &str) -> Footprint {
        let mut footprint = Footprint::default();
        footprint.task(status, &["socket:[123]".into(), "/data/dump.rdb".into()]);
        footprint.file("/data/dump.rdb", 0o100_000 | mode, 999, 999);
        footprint.log(log);
        footprint
    }

    #[test]
    fn what_changes_by_chance_is_no_difference() {
        let same = [
            of(STATUS, 0o600, "1:M 12:00 ready\n"),
            of(STATUS, 0o600, "9:M 12:01 ready\n"),
        ];
        assert!(differences(&same, &of(STATUS, 0o600, "7:M 12:33 ready\n")).is_empty());
    }

    /// A test sees none of these.
    #[test]
    fn what_a_refusal_changes_behind_the_test_is_told() {
        let same = [of(STATUS, 0o600, "ready\n")];
        let wider = of(STATUS, 0o644, "ready\n");
        assert_eq!(
            differences(&same, &wider),
            [
                "no more: file /data/dump.rdb: mode 600, of 999:999",
                "new: file /data/dump.rdb: mode 644, of 999:999",
            ]
        );
        let groups = of(
            &STATUS.replace("Groups:\t999 ", "Groups:\t0 999 "),
            0o600,
            "ready\n",
        );
        let told = differences(&same, &groups);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter().any(|line| line.contains("Groups 0 999")),
            "{told:?}"
        );
        let told = differences(&same, &of(STATUS, 0o600, "ready\nsetgroups failed\n"));
        assert_eq!(told, ["new: log: setgroups failed"]);
    }

    #[test]
    fn what_differs_by_itself_tells_nothing() {
        let same = [of(STATUS, 0o600, "one\n"), of(STATUS, 0o600, "other\n")];
        assert!(differences(&same, &of(STATUS, 0o600, "")).is_empty());
    }

    #[test]
    fn numbers_are_taken_out() {
        assert_eq!(
            plain("worker process 1234 exited"),
            "worker process # exited"
        );
        assert_eq!(plain("/cache/37ab64986f9870a6/0000000012"), "/cache/#/#");
        assert_eq!(plain("decade facade"), "decade facade");
        assert_eq!(plain("a\u{1b}[31m"), r"a\u{1b}[#m");
    }
}
