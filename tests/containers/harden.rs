//! `harden`, as a new user uses it: an image, a test, a folder; what is pasted passes the test, and
//! is attacked.

mod attack;

use std::process::Command;

use profiler_tests::{Ran, docker, profiler, run, unique};
use serde_json::{Value, json};

use self::attack::{Elsewhere, Pasted, tested};
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

/// The override, laid over a project's own file: docker-compose takes it, the service comes up, and
/// passes the test.
fn expect_compose(place: &Place, service: &str, test: &str) {
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
    let container = compose(&["ps", "--quiet", service]).expect_code(0).stdout;
    let tested = tested(container.trim(), test);
    compose(&["down", "--volumes", "--timeout", "1"]).expect_code(0);
    tested.expect_code(0);
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
    pasted.expect_nothing_outside(&place.tag, folder);
    assert_eq!(note(&pasted), "notes.sqlite\n");
    pasted.expect_few_processes();
    // What it wrote lasts: the next container finds it.
    docker(&["rm", "--force", &pasted.name]);
    let again = Pasted::start(folder);
    assert_eq!(note(&again), "notes.sqlite\n");
    drop(again);
    drop(pasted);
    expect_compose(&place, &name, &test);
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
    assert_eq!(report["after"]["network"], "internal");
    let pasted = Pasted::start(folder);
    pasted.test(&test);
    pasted.expect_refusals();
    pasted.expect_read_only();
    pasted.expect_few_processes();
    drop(pasted);
    expect_compose(&place, &name, &test);
    place.expect_nothing_left();
}

/// It gives root up by itself, and what it saves must last.
#[test]
fn a_store_that_gives_root_up_is_hardened_pasted_and_attacked() {
    let place = Place::of("redis");
    let folder = place.folder();
    let name = unique("store");
    // One exec session, as each takes its time.
    let exec = "docker exec $PROFILER_CONTAINER sh -c";
    let asked = "redis-cli SET key value; redis-cli SAVE; redis-cli GET key";
    let test = format!("{exec} '{asked}' | tr '\\n' ' ' | grep 'OK OK value'");
    harden(&place, &test, &["--name", &name, "--no-ablate"]).expect_code(0);
    let report = json(&folder.join("hardened/harden.json"));
    assert_eq!(report["incomplete"], Value::Null);
    assert_eq!(report["after"]["writable"], json!(["/data"]));
    assert_eq!(report["after"]["network"], "internal");
    expect_less_surface(&report);
    // Its folder is root's, and it says which, and what it could not do.
    let measures = report["measures"].as_array().unwrap();
    let user = measures.iter().find(|told| told["measure"] == "user");
    let user = &user.unwrap()["refused"];
    assert!(user.to_string().contains("Permission denied"), "{user}");
    let pasted = Pasted::start(folder);
    pasted.test(&test);
    pasted.expect_refusals();
    pasted.expect_read_only();
    pasted.expect_few_processes();
    docker(&["rm", "--force", &pasted.name]);
    let again = Pasted::start(folder);
    again.test(&format!("{exec} 'redis-cli GET key' | grep value"));
    drop(again);
    drop(pasted);
    expect_compose(&place, &name, &test);
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

/// In the trial without the container, among the unrestricted runs, with the measures, under the
/// result, among the trials without a call: each time it goes on from there.
#[test]
fn an_interrupt_leaves_a_report_that_says_so_and_what_to_go_on_from() {
    let place = Place::of("busybox");
    let (tag, folder) = (&place.tag, place.folder());
    let (up, ran, go) = (folder.join("up"), folder.join("ran"), folder.join("go"));
    let hang = format!("{{ touch {}; sleep 1000; }}", up.display());
    let test = format!(
        "docker exec $PROFILER_CONTAINER true || {{ [ -e {go} ] || {hang}; exit 1; }}; echo x >> {ran}; case $(wc -l < {ran}) in 3|6|9|12|15) {hang};; esac",
        go = go.display(),
        ran = ran.display(),
    );
    let tests = || std::fs::read_to_string(&ran).map_or(0, |ran| ran.lines().count());
    let command = |test: &str, to: &str, more: &[&str]| {
        let mut command = profiler();
        command
            .current_dir(folder)
            .args(["harden", "--image", tag.name(), "--test", test])
            .args([to, "hardened", "--starts", "1"])
            .args(more)
            .args(["--stop-signal", "KILL", "--", "sleep", "1000"]);
        command
    };
    let is_written = || folder.join("hardened/seccomp.json").exists();
    for count in [0, 3, 6, 9, 12, 15] {
        let to = if count == 0 { "-o" } else { "--resume" };
        let cut_short = interrupted(&mut command(&test, to, &[]), &up).expect_code(130);
        let told = "interrupted by signal 2; see hardened/report.md; --resume hardened goes on";
        assert!(cut_short.stderr.contains(told), "{}", cut_short.stderr);
        assert_eq!(tests(), count);
        let report = json(&folder.join("hardened/harden.json"));
        assert_eq!(report["incomplete"], "interrupted by signal 2");
        let report = std::fs::read_to_string(folder.join("hardened/report.md")).unwrap();
        assert!(report.contains("Not the whole result"), "{report}");
        assert!(!report.contains("Under the whole result"), "{report}");
        // What passed as a whole is there.
        assert_eq!(is_written(), report.contains("## Calls, tried without"));
        place.expect_nothing_left();
        std::fs::write(&go, "").unwrap();
        std::fs::remove_file(&up).unwrap();
    }
    assert!(is_written(), "it came to the calls");

    let other = run(&mut command("true", "--resume", &[])).expect_code(125);
    other.expect_line(&["hardened was begun with another test", "not true"]);
    let resumed = run(&mut command(&test, "--resume", &["--no-ablate"])).expect_code(0);
    let known = "going on from ";
    assert!(resumed.stderr.contains(known), "{}", resumed.stderr);
    let report = json(&folder.join("hardened/harden.json"));
    assert_eq!(report["incomplete"], Value::Null);
    // What passed before is not run again, but for the result.
    assert_eq!(tests(), 15 + 1);
    assert!(!folder.join("hardened/harden.progress").exists());
    place.expect_nothing_left();
}

/// What it does under the result alone no recording has shown.
#[test]
fn what_is_refused_at_first_is_named_and_allowed() {
    let place = Place::of("busybox");
    let folder = place.folder();
    let script = "cat /dev/null; while read -r name value; do case $name$value in \
        CapBnd:0000000000000000) sync;; esac; done < /proc/self/status; exec sleep 1000";
    let test = "docker exec $PROFILER_CONTAINER true";
    let options = ["--no-ablate", "--stop-signal", "KILL"];
    let today = ["--privileged", "--env", "DB_PASSWORD=hunter2"];
    let arguments = [&options[..], &today, &["--", "sh", "-c", script]].concat();
    let ran = harden(&place, test, &arguments).expect_code(0);
    let report = json(&folder.join("hardened/harden.json"));
    let widened = report["widened"].as_array().unwrap();
    assert_eq!(widened.len(), 1, "{widened:?}");
    let refused = widened[0].as_str().unwrap();
    assert!(
        refused.contains("sync") && refused.contains("busybox"),
        "{refused}"
    );
    assert!(ran.stderr.contains(refused), "{}", ran.stderr);
    let profile = json(&folder.join("hardened/seccomp.json"));
    let rules = profile["syscalls"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["names"] == json!(["sync"]));
    let why = rule.unwrap()["comment"].as_str().unwrap();
    assert!(why.contains("refused while it was tried"), "{why}");

    // How it is run today is told, and never a secret's value.
    let findings = report["findings"].to_string();
    for what in ["--privileged", "--env DB_PASSWORD"] {
        assert!(findings.contains(&format!("{what:?}")), "{findings}");
    }
    let markdown = std::fs::read_to_string(folder.join("hardened/report.md")).unwrap();
    assert!(!markdown.contains("hunter2") && !report.to_string().contains("hunter2"));
    assert!(
        ran.stdout.contains("all, without a filter"),
        "{}",
        ran.stdout
    );
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
