//! What a command leaves running is ended, or waited for.

use std::fs;
use std::time::Duration;

use profiler_tests::wait_until;

use super::{OPEN, Place, exits, signal, started, text};

const DAEMON: &str = "setsid sleep 60 >/dev/null 2>&1 & setsid sleep 60 >/dev/null 2>&1 & exit 4";

#[test]
fn a_daemon_is_stopped() {
    let place = Place::new();
    let output = place.command(&["sh", "-c", DAEMON]).output().unwrap();
    exits(&place, &output, 4);
    assert!(
        place.report().contains("found: 2, end: Terminated"),
        "{}",
        place.report()
    );
    assert_eq!(place.processes(), "");
}

#[test]
fn a_daemon_that_ignores_sigterm_is_killed() {
    let place = Place::new();
    let deaf = "(trap '' TERM; sleep 60) >/dev/null 2>&1 & exit 0";
    let output = place
        .with("stop:300", OPEN, "-", &["sh", "-c", deaf])
        .output()
        .unwrap();
    exits(&place, &output, 0);
    let report = place.report();
    assert!(report.contains("end: Killed("), "{report}");
    assert_eq!(place.processes(), "");
}

#[test]
fn a_stopped_daemon_is_ended_too() {
    let place = Place::new();
    let stopped = "sleep 60 >/dev/null 2>&1 & kill -STOP $!";
    let output = place.command(&["sh", "-c", stopped]).output().unwrap();
    exits(&place, &output, 0);
    assert!(
        place.report().contains("found: 1, end: Terminated"),
        "{}",
        place.report()
    );
}

#[test]
fn a_daemon_in_a_nested_cgroup_is_found() {
    let place = Place::new();
    let nested = place.cgroup.join("nested");
    let script = format!(
        "mkdir {0}; sh -c 'echo $$ > {0}/cgroup.procs; exec sleep 60' >/dev/null 2>&1 & sleep 0.5",
        nested.display()
    );
    let output = place.command(&["sh", "-c", &script]).output().unwrap();
    exits(&place, &output, 0);
    assert!(
        place.report().contains("found: 1, end: Terminated"),
        "{}",
        place.report()
    );
    fs::remove_dir(nested).unwrap();
}

#[test]
fn a_daemon_is_waited_for() {
    let place = Place::new();
    let daemon = "(sleep 1; echo the daemon wrote) & exit 4";
    let output = place
        .with("wait:100", OPEN, "-", &["sh", "-c", daemon])
        .output()
        .unwrap();
    exits(&place, &output, 4);
    assert_eq!(text(&output.stdout), "the daemon wrote\n");
    assert!(
        place.report().contains("ByThemselves"),
        "{}",
        place.report()
    );
}

#[test]
fn a_signal_ends_the_wait_for_a_daemon() {
    let place = Place::new();
    let command = place.with(
        "wait:2000",
        OPEN,
        "-",
        &["sh", "-c", "sleep 60 & echo ready; exit 4"],
    );
    let child = started(command);
    wait_until("the end of sh", || place.processes().lines().count() == 1);
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, libc::SIGTERM);
    let output = child.wait_with_output().unwrap();
    exits(&place, &output, 4);
    assert!(
        place.report().contains("found: 1, end: Terminated"),
        "{}",
        place.report()
    );
}

#[test]
fn what_ends_by_itself_at_once_is_no_leftover() {
    let place = Place::new();
    let output = place
        .command(&["sh", "-c", "sleep 0.05 & exit 0"])
        .output()
        .unwrap();
    exits(&place, &output, 0);
    assert!(
        place.report().contains("leftovers: None"),
        "{}",
        place.report()
    );
}
