//! `harden`, as a new user uses it: an image, a test, a folder; what is pasted passes the test, and
//! is attacked.

mod attack;

use std::process::Command;

use profiler_tests::{Ran, docker, profiler, run, unique};
use serde_json::{Value, json};

use self::attack::{Elsewhere, Pasted};
use super::place::Place;
use super::{interrupted, json, test_command};

fn harden(place: &Place, test: &str, arguments: &[&str]) -> Ran {
    run(profiler()
        .current_dir(place.folder())
        .args([
            "harden",
            "--image",
            place.tag.name(),
            "--test",
            test,
            "-o",
            "hardened",
        ])
        .args(["--starts", "2"])
        .args(arguments))
}

/// How each measure came out.
fn measures(report: &Value) -> Vec<(&str, &str)> {
    let told = report["measures"].as_array().unwrap().iter();
    told.map(|told| {
        (
            told["measure"].as_str().unwrap(),
            told["tried"].as_str().unwrap(),
        )
    })
    .collect()
}

/// The override, laid over a project's own file: docker-compose takes it, and the service comes up.
fn expect_compose(place: &Place, service: &str) {
    let project = json!({"services": {service: {"image": place.tag.name()}}});
    place.file("compose.yaml", &project.to_string());
    let name = unique("hardened");
    let compose = |arguments: &[&str]| {
        run(Command::new("docker-compose")
            .current_dir(place.folder())
            .args(["--project-name", &name])
            .args(["-f", "compose.yaml", "-f", "hardened/compose.override.yaml"])
            .args(arguments))
    };
    compose(&["config"]).expect_code(0);
    compose(&["up", "--detach"]).expect_code(0);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let running = compose(&["ps", "--quiet", service]).expect_code(0).stdout;
    let state = docker(&["inspect", "--format", "{{.State.Running}}", running.trim()]);
    compose(&["down", "--volumes", "--timeout", "1"]).expect_code(0);
    assert_eq!(state, "true");
}

#[test]
fn a_service_with_a_database_is_hardened_pasted_and_attacked() {
    let place = Place::of("python");
    let folder = place.folder();
    let test = test_command("python.sh");
    let name = unique("notes");
    let ran = harden(&place, &test, &["--name", &name, "--no-ablate"]).expect_code(0);
    assert!(
        ran.stdout
            .contains("new privileges  by set-id programs    none"),
        "{}",
        ran.stdout
    );
    let report = json(&folder.join("hardened/harden.json"));
    assert_eq!(report["incomplete"], Value::Null);
    assert_eq!(report["after"]["capabilities"], json!([]));
    expect_less_surface(&report);
    assert_eq!(report["after"]["writable"], json!(["/data"]));
    assert_eq!(
        measures(&report),
        [
            ("no-new-privileges", "kept"),
            ("read-only-root", "kept"),
            ("user", "not-applicable"),
            ("memory", "kept"),
            ("processes", "kept"),
            ("descriptors", "kept"),
            ("network", "kept"),
            ("ports", "not-applicable"),
        ]
    );
    let volume = format!("{name}-data");
    let note = |pasted: &Pasted| pasted.exec(&["ls", "/data"]).expect_code(0).stdout;
    let pasted = Pasted::start(folder);
    pasted.test(&test);
    pasted.expect_refusals();
    pasted.expect_read_only();
    let elsewhere = Elsewhere::start(&place.tag, folder);
    let refused = elsewhere.reached_from(&pasted.name).expect_code(1).stderr;
    assert!(refused.starts_with("reach:"), "{refused}");
    drop(elsewhere);
    assert_eq!(note(&pasted), "notes.sqlite\n");
    pasted.expect_few_processes();
    // What it wrote lasts: the next container finds it.
    docker(&["rm", "--force", &pasted.name]);
    let again = Pasted::start(folder);
    assert_eq!(note(&again), "notes.sqlite\n");
    drop(again);
    drop(pasted);
    expect_compose(&place, &name);
    let left = docker(&[
        "volume",
        "ls",
        "--quiet",
        "--filter",
        &format!("name={volume}"),
    ]);
    assert_eq!(left, "", "left behind");
    place.expect_nothing_left();
}

#[test]
fn a_server_that_starts_as_root_is_hardened_pasted_and_attacked() {
    let place = Place::of("nginx");
    let folder = place.folder();
    let test = test_command("nginx.sh");
    let name = unique("front");
    harden(&place, &test, &["--name", &name, "--no-ablate"]).expect_code(0);
    let report = json(&folder.join("hardened/harden.json"));
    let kept = measures(&report);
    assert!(kept.contains(&("read-only-root", "kept")), "{kept:?}");
    // The engine tells nothing of a folder whose files are gone again.
    let writable = report["after"]["writable"].to_string();
    assert!(writable.contains("/srv/uploads"), "{writable}");
    let pasted = Pasted::start(folder);
    pasted.test(&test);
    pasted.expect_refusals();
    pasted.expect_read_only();
    pasted.expect_few_processes();
    drop(pasted);
    place.expect_nothing_left();
}

/// It gives root up by itself, and what it saves must last.
#[test]
fn a_store_that_gives_root_up_is_hardened_pasted_and_attacked() {
    let place = Place::of("redis");
    let folder = place.folder();
    let name = unique("store");
    let cli = "docker exec $PROFILER_CONTAINER redis-cli";
    let test = format!("{cli} SET key value && {cli} SAVE | grep OK && {cli} GET key | grep value");
    harden(&place, &test, &["--name", &name, "--no-ablate"]).expect_code(0);
    let report = json(&folder.join("hardened/harden.json"));
    assert_eq!(report["incomplete"], Value::Null);
    assert_eq!(report["after"]["writable"], json!(["/data"]));
    expect_less_surface(&report);
    let pasted = Pasted::start(folder);
    pasted.test(&test);
    pasted.expect_refusals();
    pasted.expect_read_only();
    pasted.expect_few_processes();
    docker(&["rm", "--force", &pasted.name]);
    let again = Pasted::start(folder);
    again.test(&format!("{cli} GET key | grep value"));
    drop(again);
    drop(pasted);
    place.expect_nothing_left();
}

/// Nobody here makes inotify_init1; bpf is what Docker's default refuses itself.
fn expect_less_surface(report: &Value) {
    let surface = &report["surface"];
    assert_eq!(surface["calls"], report["after"]["calls"]);
    let out = surface["cves_out_of_reach"].as_array().unwrap();
    assert!(out.contains(&json!("CVE-2010-4250")), "{surface}");
    assert!(!out.contains(&json!("CVE-2016-2383")), "{surface}");
}

#[test]
fn a_test_that_tells_nothing_is_refused_by_name() {
    let place = Place::of("busybox");
    let folder = place.folder();
    let state = folder.join("state");
    let asks = "docker exec $PROFILER_CONTAINER true";
    let flaky = format!(
        "{asks} || exit 1; [ -e {0} ] && exit 7; touch {0}",
        state.display()
    );
    let sleeping = ["--stop-signal", "KILL", "--", "sleep", "1000"];
    for (test, options, words) in [
        ("true", &[][..], "it tests nothing"),
        (&flaky, &[], "the test is flaky"),
        (
            "sleep 100",
            &["--timeout", "1s"],
            "3 of 3 unrestricted runs did not pass (the test took too long",
        ),
    ] {
        let ran = harden(&place, test, &[options, &sleeping].concat()).expect_code(125);
        assert!(ran.stderr.contains(words), "{test}: {}", ran.stderr);
        assert!(!folder.join("hardened/docker-run.sh").exists());
    }
    harden(&place, asks, &["--", "/no/such/program"]).expect_code(127);
    place.expect_nothing_left();
}

#[test]
fn an_interrupt_leaves_a_report_that_says_so_and_what_to_go_on_from() {
    let place = Place::of("busybox");
    let (tag, folder) = (&place.tag, place.folder());
    let (up, ran) = (folder.join("up"), folder.join("ran"));
    // The third time it does not come to its end.
    let test = format!(
        "docker exec $PROFILER_CONTAINER true || exit 1; echo x >> {0}; [ $(wc -l < {0}) != 3 ] || {{ touch {1}; sleep 1000; }}",
        ran.display(),
        up.display()
    );
    let tests = || std::fs::read_to_string(&ran).unwrap().lines().count();
    let command = |test: &str, to: &str| {
        let mut command = profiler();
        command
            .current_dir(folder)
            .args([
                "harden",
                "--image",
                tag.name(),
                "--test",
                test,
                to,
                "hardened",
            ])
            .args(["--no-ablate", "--starts", "1"])
            .args(["--stop-signal", "KILL", "--", "sleep", "1000"]);
        command
    };
    let cut_short = interrupted(&mut command(&test, "-o"), &up).expect_code(130);
    let told = "interrupted by signal 2; see hardened/report.md; --resume hardened goes on";
    assert!(cut_short.stderr.contains(told), "{}", cut_short.stderr);
    let report = json(&folder.join("hardened/harden.json"));
    assert_eq!(report["incomplete"], "interrupted by signal 2");
    let report = std::fs::read_to_string(folder.join("hardened/report.md")).unwrap();
    assert!(report.contains("Not the whole result"), "{report}");
    assert!(!report.contains("Under the whole result"), "{report}");
    assert!(!folder.join("hardened/seccomp.json").exists());
    assert_eq!(tag.containers(), Vec::<String>::new(), "left behind");
    assert_eq!(tests(), 3);

    let other = run(&mut command("true", "--resume")).expect_code(125);
    other.expect_line(&["hardened was begun with another test", "not true"]);
    let resumed = run(&mut command(&test, "--resume")).expect_code(0);
    assert!(
        resumed.stderr.contains("going on from 2 runs"),
        "{}",
        resumed.stderr
    );
    let report = json(&folder.join("hardened/harden.json"));
    assert_eq!(report["incomplete"], Value::Null);
    let work = |what: &str| report["work"][what].as_u64().unwrap();
    assert_eq!(work("unrestricted"), 3);
    // The two that passed before were not run again.
    let since = 1 + work("tried") + work("recorded") + 1;
    assert_eq!(tests() as u64, 3 + since);
    assert!(!folder.join("hardened/harden.progress").exists());
    place.expect_nothing_left();
}

/// The test passes without umask, and what is written is open to all then.
#[test]
fn what_a_refusal_changes_behind_the_test_is_told() {
    let place = Place::of("busybox");
    let folder = place.folder();
    let script = "umask 077; echo x > /tmp/secret; exec sleep 1000";
    let test = "docker exec $PROFILER_CONTAINER test -s /tmp/secret";
    let options = ["--jobs", "4", "--drop-silent", "--stop-signal", "KILL"];
    let arguments = [&options[..], &["--", "sh", "-c", script]].concat();
    let ran = harden(&place, test, &arguments).expect_code(0);
    let report = json(&folder.join("hardened/harden.json"));
    let calls = report["calls"].as_array().unwrap();
    let of = |name: &str| calls.iter().find(|call| call["name"] == name).unwrap();
    assert_eq!(of("execve")["label"], "needed", "{}", ran.stderr);
    assert_eq!(of("umask")["label"], "changes-state", "{}", of("umask"));
    assert!(
        of("umask")["how"].to_string().contains("mode 644"),
        "{}",
        of("umask")
    );
    assert!(calls.iter().all(|call| call["label"] != "not-tried"));
    let allowed = |name: &str| {
        let profile = json(&folder.join("hardened/seccomp.json"));
        profile["syscalls"]
            .to_string()
            .contains(&format!("\"{name}\""))
    };
    assert!(allowed("umask") && allowed("execve"));
    for dropped in report["dropped"].as_array().unwrap() {
        assert_eq!(of(dropped.as_str().unwrap())["label"], "silent");
        assert!(!allowed(dropped.as_str().unwrap()));
    }
    place.expect_nothing_left();
}
