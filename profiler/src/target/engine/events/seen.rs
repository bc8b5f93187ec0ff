//! Which events were heard already, so that asking again tells none of them twice.

use std::collections::{HashSet, VecDeque};

use bollard::models::EventMessage;

/// More than the engine remembers, so that what it tells again is known
/// (`eventsLimit`, <https://github.com/moby/moby/blob/v20.10.24/daemon/events/events.go>).
const REMEMBERED: usize = 1024;
/// Events get their time before they get their place in the engine's list: one may come after
/// another that is younger.
const DISORDER: i64 = 1_000_000_000;

/// Nanoseconds, the container's id, the action.
type Identity = (i64, String, String);

#[derive(Debug)]
pub(super) struct Seen {
    begin: i64,
    latest: i64,
    order: VecDeque<Identity>,
    known: HashSet<Identity>,
}

impl Seen {
    /// Nanoseconds since 1970: nothing from before is asked for.
    pub(super) fn from(begin: i64) -> Self {
        Self {
            begin,
            latest: begin,
            order: VecDeque::new(),
            known: HashSet::new(),
        }
    }

    /// From when on to ask again.
    pub(super) fn since(&self) -> i64 {
        self.begin.max(self.latest.saturating_sub(DISORDER))
    }

    /// Gives up what was before.
    pub(super) fn skip_to(&mut self, at: i64) {
        self.begin = self.begin.max(at);
    }

    pub(super) fn is_new(&mut self, message: &EventMessage) -> bool {
        let at = time(message);
        let id = message.actor.as_ref().and_then(|actor| actor.id.clone());
        let identity = (
            at,
            id.unwrap_or_default(),
            message.action.clone().unwrap_or_default(),
        );
        if !self.known.insert(identity.clone()) {
            return false;
        }
        self.order.push_back(identity);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.latest = self.latest.max(at);
        true
    }
}

/// Nanoseconds since 1970; 0 where the engine does not say.
pub(super) fn time(message: &EventMessage) -> i64 {
    let coarse = || message.time.map(|at| at.saturating_mul(1_000_000_000));
    message.time_nano.or_else(coarse).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{DISORDER, EventMessage, REMEMBERED, Seen};

    fn message(at: i64, id: &str, action: &str) -> EventMessage {
        let json = serde_json::json!({"timeNano": at, "Actor": {"ID": id}, "Action": action});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn each_event_is_new_once() {
        let mut seen = Seen::from(0);
        assert!(seen.is_new(&message(5, "a", "start")));
        assert!(!seen.is_new(&message(5, "a", "start")));
        assert!(seen.is_new(&message(5, "a", "die")));
        assert!(seen.is_new(&message(5, "b", "start")));
        assert!(seen.is_new(&message(6, "a", "start")));
    }

    #[test]
    fn asking_again_begins_a_little_earlier_but_not_before_the_beginning() {
        let begin = 10 * DISORDER;
        let mut seen = Seen::from(begin);
        assert_eq!(seen.since(), begin);
        seen.is_new(&message(begin + 5 * DISORDER, "a", "start"));
        seen.is_new(&message(begin + 3 * DISORDER, "a", "create"));
        assert_eq!(seen.since(), begin + 4 * DISORDER);
        seen.skip_to(begin + 9 * DISORDER);
        assert_eq!(seen.since(), begin + 9 * DISORDER);
        seen.skip_to(0);
        assert_eq!(seen.since(), begin + 9 * DISORDER);
    }

    #[test]
    fn its_memory_has_an_end() {
        let mut seen = Seen::from(0);
        for at in 0..10_000 {
            seen.is_new(&message(at, "a", "start"));
        }
        assert_eq!(
            (seen.order.len(), seen.known.len()),
            (REMEMBERED, REMEMBERED)
        );
        assert!(!seen.is_new(&message(9_999, "a", "start")));
    }

    #[test]
    fn a_message_without_a_time_is_taken_once() {
        let mut seen = Seen::from(7);
        assert!(seen.is_new(&EventMessage::default()));
        assert!(!seen.is_new(&EventMessage::default()));
        assert_eq!(seen.since(), 7);
    }
}
