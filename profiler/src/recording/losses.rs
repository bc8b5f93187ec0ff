//! What a recording lost, counted: one table of names, counts and words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What could not be kept, counted over the whole session, whichever subject it belonged to; of
/// several sessions the largest counts. All zero: the recording is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// First-seen evidence; the calls themselves are kept.
    pub events: u64,
    /// Processes that did not fit: their calls are missing.
    pub processes: u64,
    /// Executables that did not fit: their calls are filed under the program before.
    pub programs: u64,
    /// Exec sessions that did not fit: their calls are filed under no session.
    pub sessions: u64,
    /// Calls with numbers past every table that did not fit: missing.
    pub stray_calls: u64,
    /// Capability checks that did not fit, or that the kernel did not show the hook: missing.
    pub capability_checks: u64,
    /// Ports below 1024 that did not fit: a note on CAP_NET_BIND_SERVICE may be missing.
    #[serde(default)]
    pub low_ports: u64,
    /// Arguments that did not fit: a call counts as overflowed that need not.
    #[serde(default)]
    pub arguments: u64,
    /// Refused calls that did not fit: an attempt is missing.
    pub denials: u64,
    /// Calls in flight that could not be followed: an attempt may be missing.
    pub in_flight: u64,
    /// Nested cgroups that did not fit: what ran in them is missing.
    pub cgroups: u64,
    /// Containers that did not fit: missing.
    pub scopes: u64,
    /// Moments that the kernel did not show the recorder: a call or a process may be missing.
    #[serde(default)]
    pub unshown: u64,
    /// Containers that the engine could not be asked about before they were gone.
    pub unidentified: u64,
}

/// In the order of [`Losses::counts`]: what each count counts, for people.
const WORDS: [&str; 14] = [
    "calls without evidence of who made them",
    "processes missing",
    "programs filed under another",
    "exec sessions without their command line",
    "calls of unknown numbers missing",
    "capability checks missing",
    "ports below 1024 missing",
    "calls whose arguments are missing",
    "refused calls missing",
    "calls that may have been refused",
    "nested cgroups missing",
    "containers missing",
    "moments that the kernel did not show",
    "containers gone before the engine told their names",
];

impl Losses {
    /// Each count with its name in the file.
    pub fn counts(&self) -> [(&'static str, u64); 14] {
        [
            ("events", self.events),
            ("processes", self.processes),
            ("programs", self.programs),
            ("sessions", self.sessions),
            ("stray_calls", self.stray_calls),
            ("capability_checks", self.capability_checks),
            ("low_ports", self.low_ports),
            ("arguments", self.arguments),
            ("denials", self.denials),
            ("in_flight", self.in_flight),
            ("cgroups", self.cgroups),
            ("scopes", self.scopes),
            ("unshown", self.unshown),
            ("unidentified", self.unidentified),
        ]
    }

    pub fn total(&self) -> u64 {
        let counts = self.counts();
        let counts = counts.iter().map(|(_, count)| *count);
        counts.fold(0, u64::saturating_add)
    }

    /// For people; `None` where nothing was lost.
    pub fn in_words(&self) -> Option<String> {
        let parts: Vec<String> = self
            .counts()
            .iter()
            .zip(WORDS)
            .filter(|((_, count), _)| *count > 0)
            .map(|((_, count), words)| format!("{words}: {count}"))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Of several sessions, or of one at several times: the largest of each count. No sum, since a
    /// session's losses stand in each of its recordings, and a recording may be there twice.
    #[must_use]
    pub fn largest(self, other: Self) -> Self {
        Self {
            events: self.events.max(other.events),
            processes: self.processes.max(other.processes),
            programs: self.programs.max(other.programs),
            sessions: self.sessions.max(other.sessions),
            stray_calls: self.stray_calls.max(other.stray_calls),
            capability_checks: self.capability_checks.max(other.capability_checks),
            low_ports: self.low_ports.max(other.low_ports),
            arguments: self.arguments.max(other.arguments),
            denials: self.denials.max(other.denials),
            in_flight: self.in_flight.max(other.in_flight),
            cgroups: self.cgroups.max(other.cgroups),
            scopes: self.scopes.max(other.scopes),
            unshown: self.unshown.max(other.unshown),
            unidentified: self.unidentified.max(other.unidentified),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Losses;

    /// Each field has another count.
    fn numbered() -> Losses {
        let value = serde_json::to_value(Losses::default()).unwrap();
        let fields: serde_json::Map<_, _> = value
            .as_object()
            .unwrap()
            .keys()
            .zip(1_u64..)
            .map(|(name, count)| (name.clone(), count.into()))
            .collect();
        serde_json::from_value(fields.into()).unwrap()
    }

    #[test]
    fn every_count_stands_in_the_table_under_its_name() {
        let losses = numbered();
        let counted: serde_json::Map<_, _> = losses
            .counts()
            .iter()
            .map(|&(name, count)| (name.to_owned(), count.into()))
            .collect();
        let counted = serde_json::Value::from(counted);
        assert_eq!(serde_json::to_value(losses).unwrap(), counted);
        assert_eq!(losses.total(), (1..=14).sum::<u64>());
    }

    #[test]
    fn what_is_told_twice_was_lost_once() {
        let losses = numbered();
        assert_eq!(losses.largest(losses), losses);
        assert_eq!(Losses::default().largest(losses), losses);
        assert_eq!(losses.largest(Losses::default()), losses);
    }

    #[test]
    fn only_what_was_lost_is_said() {
        assert_eq!(Losses::default().in_words(), None);
        let lost = Losses {
            programs: 2,
            scopes: 1,
            ..Losses::default()
        };
        assert_eq!(
            lost.in_words().unwrap(),
            "programs filed under another: 2, containers missing: 1"
        );
    }
}
