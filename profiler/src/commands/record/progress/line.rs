//! What has been found so far, in one line.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// What has been found so far, of all subjects together.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub subjects: usize,
    pub runs: usize,
    pub calls: usize,
    pub capabilities: usize,
    /// What was seen for the first time last (`connect by /usr/sbin/nginx`), escaped, and when.
    pub newest: Option<(String, Instant)>,
}

/// The longest last: a narrow terminal cuts it off.
pub(super) fn line(snapshot: &Snapshot, elapsed: Duration, now: Instant) -> String {
    let mut line = clock(elapsed);
    // One run of one subject goes without saying.
    if snapshot.subjects != 1 || snapshot.runs > 1 {
        let subjects = count(snapshot.subjects, "subject", "subjects");
        let runs = count(snapshot.runs, "run", "runs");
        let _ = write!(line, " · {subjects}, {runs}");
    }
    let calls = count(snapshot.calls, "call", "calls");
    let capabilities = count(snapshot.capabilities, "capability", "capabilities");
    let _ = write!(line, " · {calls}, {capabilities}");
    if let Some((newest, seen)) = &snapshot.newest {
        let age = age(now.saturating_duration_since(*seen));
        let _ = write!(line, " · newest {age} ago: {newest}");
    }
    line
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `00:42`, `1:02:03`, `2 d 01:02:03`
fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let (days, hours) = (hours / 24, hours % 24);
    match (days, hours) {
        (0, 0) => format!("{minutes:02}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{days} d {hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// In the largest unit of which there are two.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("min", 60)] {
        if seconds >= 2 * length {
            return format!("{} {unit}", seconds / length);
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests {
    use super::{Snapshot, age, clock, line};
    use std::time::{Duration, Instant};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_found_yet() {
        let shown = line(&Snapshot::default(), seconds(3), Instant::now());
        assert_eq!(
            shown,
            "00:03 · 0 subjects, 0 runs · 0 calls, 0 capabilities"
        );
    }

    #[test]
    fn one_run_of_one_subject() {
        let now = Instant::now();
        let snapshot = Snapshot {
            subjects: 1,
            runs: 1,
            calls: 1,
            capabilities: 1,
            newest: Some(("connect by /usr/sbin/nginx".into(), now)),
        };
        assert_eq!(
            line(&snapshot, seconds(62), now + seconds(12)),
            "01:02 · 1 call, 1 capability · newest 12 s ago: connect by /usr/sbin/nginx"
        );
    }

    #[test]
    fn several_runs() {
        let now = Instant::now();
        let snapshot = Snapshot {
            subjects: 2,
            runs: 5,
            calls: 83,
            capabilities: 3,
            // Seen after the clock was read.
            newest: Some((r"CHOWN by /bin/\u{1b}[31m".into(), now + seconds(1))),
        };
        assert_eq!(
            line(&snapshot, seconds(42), now),
            r"00:42 · 2 subjects, 5 runs · 83 calls, 3 capabilities · newest 0 s ago: CHOWN by /bin/\u{1b}[31m"
        );
    }

    #[test]
    fn the_clock_goes_on_for_weeks() {
        assert_eq!(clock(seconds(0)), "00:00");
        assert_eq!(clock(seconds(3599)), "59:59");
        assert_eq!(clock(seconds(3723)), "1:02:03");
        assert_eq!(clock(seconds(21 * 86_400 + 3723)), "21 d 01:02:03");
    }

    #[test]
    fn an_age_is_no_finer_than_it_need_be() {
        assert_eq!(age(Duration::from_millis(999)), "0 s");
        assert_eq!(age(seconds(119)), "119 s");
        assert_eq!(age(seconds(120)), "2 min");
        assert_eq!(age(seconds(2 * 3600)), "2 h");
        assert_eq!(age(seconds(47 * 3600)), "47 h");
        assert_eq!(age(seconds(10 * 86_400)), "10 d");
    }
}
