use std::collections::BTreeSet;

use super::super::{Kind, Look, Measure, Peaks, Task, Written};
use super::{Evidence, on_this_machine, plan};
use crate::cli::RunOptions;
use crate::recording::Recording;
use crate::target::engine::ChangeKind;

/// nginx, in two runs, as the golden tests have it.
fn recording() -> Recording {
    let text = include_str!("../../../../tests/golden/container.recording.json");
    serde_json::from_str(text).unwrap()
}

fn look() -> Look {
    let written = |path: &str| Written {
        path: path.into(),
        kind: ChangeKind::Added,
        is_folder: false,
        size: 3 << 20,
    };
    Look {
        written: vec![written("/data/db"), written("/run/pid")],
        tasks: vec![
            Task { user: 0, group: 0 },
            Task {
                user: 33,
                group: 44,
            },
        ],
        peaks: Peaks {
            memory: Some(100 << 20),
            processes: Some(3),
            descriptors: None,
        },
        listening: BTreeSet::from(["0.0.0.0:80".parse().unwrap()]),
    }
}

fn planned(
    given: &RunOptions,
    image_user: &str,
    look: &Look,
    recording: &Recording,
) -> Vec<Measure> {
    plan(&Evidence {
        given,
        image_user,
        look,
        recording,
    })
}

/// Of each kind what its ways add.
fn words(measures: &[Measure], kind: Kind) -> Vec<String> {
    let measure = measures
        .iter()
        .find(|measure| measure.kind == kind)
        .unwrap();
    measure.ways.iter().map(super::super::Way::words).collect()
}

#[test]
fn each_is_worked_out_from_what_was_seen() {
    let measures = planned(&RunOptions::default(), "", &look(), &recording());
    let of = |kind| words(&measures, kind);
    assert_eq!(
        of(Kind::NoNewPrivileges),
        ["--security-opt no-new-privileges"]
    );
    assert_eq!(
        of(Kind::ReadOnlyRoot),
        [
            "--volume /data --tmpfs '/run:rw,noexec,nosuid,nodev,size=16m' --read-only",
            "--volume /data --volume /run --read-only",
        ]
    );
    assert_eq!(of(Kind::User), ["--user 33:44"]);
    assert_eq!(of(Kind::Memory), ["--memory 200m"]);
    assert_eq!(of(Kind::Processes), ["--pids-limit 64"]);
    assert!(of(Kind::Descriptors).is_empty(), "nobody counted");
    assert_eq!(of(Kind::Network), ["--network internal"]);
    assert!(of(Kind::Ports).is_empty(), "none are published");
}

#[test]
fn what_is_given_is_left_as_it_is() {
    let given = RunOptions {
        read_only: true,
        user: Some("7".into()),
        memory: Some("1g".into()),
        pids_limit: Some(9),
        network: Some("host".into()),
        security_opt: vec!["no-new-privileges=false".into()],
        ..RunOptions::default()
    };
    for measure in planned(&given, "", &look(), &recording()) {
        assert!(measure.ways.is_empty(), "{measure:?}");
        assert!(!measure.because.is_empty());
    }
}

#[test]
fn a_user_of_the_image_is_no_root() {
    for (user, is_root) in [
        ("", true),
        ("0:0", true),
        ("root", true),
        ("1000", false),
        ("www-data", false),
    ] {
        let measures = planned(&RunOptions::default(), user, &look(), &recording());
        assert_eq!(!words(&measures, Kind::User).is_empty(), is_root, "{user}");
    }
}

#[test]
fn without_sockets_there_is_no_network_to_miss() {
    let mut recording = recording();
    for calls in recording.architectures.values_mut() {
        calls.shift_remove("socket");
    }
    let silent = Look {
        listening: BTreeSet::new(),
        ..look()
    };
    let given = RunOptions::default();
    let ways = ["--network none", "--network internal"];
    let measures = planned(&given, "", &silent, &recording);
    assert_eq!(words(&measures, Kind::Network), ways);
    // A client's test may pass without what it asks for.
    let measures = planned(&given, "", &silent, &self::recording());
    assert_eq!(words(&measures, Kind::Network), ways);
}

#[test]
fn a_port_is_published_from_a_network() {
    let given = RunOptions {
        publish: vec!["80:80".into()],
        ..RunOptions::default()
    };
    let measures = planned(&given, "", &look(), &recording());
    assert!(words(&measures, Kind::Network).is_empty());
}

#[test]
fn what_was_executed_from_a_folder_may_be() {
    let mut recording = recording();
    recording.each_caller(|caller| caller.exe = Some("/run/program".into()));
    let measures = planned(&RunOptions::default(), "", &look(), &recording);
    assert!(words(&measures, Kind::ReadOnlyRoot)[0].contains("/run:rw,exec,"));
}

#[test]
fn a_port_without_an_address_gets_this_machines() {
    for (given, ours) in [
        ("80", "127.0.0.1::80"),
        ("8080:80/udp", "127.0.0.1:8080:80/udp"),
        ("10.0.0.1:8080:80", "10.0.0.1:8080:80"),
        ("127.0.0.1::80", "127.0.0.1::80"),
        ("[::1]:8080:80", "[::1]:8080:80"),
    ] {
        assert_eq!(on_this_machine(given), ours);
    }
}
