//! A small defective profile for each rule of `lint`, and what is said of it; what our own generator
//! writes must be clean.

use std::collections::BTreeSet;
use std::fs;

use profiler::generator::{self, Floor, Options};
use profiler::lint::{self, Findings, RuleId, Severity};
use profiler::output;
use profiler::output::lint::FileReport;
use profiler::profile::compile::compile;
use profiler_tests::file;

use super::{ALL, ATTACHED, TROUBLED, recordings, schemas};

fn options() -> lint::Options {
    lint::Options {
        libseccomp: Some("2.5.4".parse().expect("it is a version")),
        ..lint::Options::default()
    }
}

fn bytes(name: &str) -> Vec<u8> {
    let path = file(&format!("golden/lint/{name}.json"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn linted(bytes: &[u8]) -> Findings {
    lint::lint(bytes, &options()).unwrap_or_else(|error| panic!("{error}"))
}

fn report(name: &str) -> FileReport {
    FileReport {
        path: format!("{name}.json").into(),
        findings: linted(&bytes(name)),
    }
}

fn rules_of(findings: &Findings) -> BTreeSet<RuleId> {
    findings
        .findings
        .iter()
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn each_rule_finds_its_defect_and_not_what_is_good() {
    let good = rules_of(&linted(&bytes("good")));
    assert_eq!(good, BTreeSet::new());
    for rule in lint::rules() {
        let report = report(&rule.id.to_string());
        assert!(rules_of(&report.findings).contains(&rule.id), "{}", rule.id);
        let is_broken = rule.id == RuleId::InvalidJson;
        assert_eq!(report.findings.is_broken, is_broken, "{}", rule.id);
        insta::assert_snapshot!(format!("{}", rule.id), output::lint::text(&[report]));
    }
}

/// As guides to hardening print it: deny rules under a default that denies, a call that is none.
#[test]
fn a_profile_by_hand_has_each_of_its_defects_named() {
    let report = report("by-hand");
    let rules = rules_of(&report.findings);
    let expected = [
        RuleId::NothingAllowed,
        RuleId::SameAsDefault,
        RuleId::UnknownSyscall,
        RuleId::AbiUnsaid,
    ];
    assert_eq!(rules, expected.into());
    let of = |rule| {
        report
            .findings
            .findings
            .iter()
            .filter(move |f| f.rule == rule)
    };
    assert_eq!(of(RuleId::SameAsDefault).count(), 3);
    insta::assert_snapshot!("by-hand", output::lint::text(&[report]));
}

/// runc answers ENOSYS above the highest call named: a rule that repeats the default counts for that,
/// and the call named makes it EPERM for clone3.
#[test]
fn the_highest_call_named_counts() {
    let report = report("highest-named");
    let rules = rules_of(&report.findings);
    assert_eq!(rules, [RuleId::SameAsDefault, RuleId::Clone3Refused].into());
    let of_openat2 = &report.findings.findings[0];
    assert_eq!(of_openat2.rule, RuleId::Clone3Refused);
    let all = report.findings.findings.iter();
    let same = all.filter(|finding| finding.rule == RuleId::SameAsDefault);
    let fixable: Vec<bool> = same.map(|finding| finding.edit.is_some()).collect();
    assert_eq!(fixable, [false, true]);
    insta::assert_snapshot!("highest-named", output::lint::text(&[report]));
}

#[test]
fn what_we_generate_deserves_notes_at_most() {
    let floor = Floor::named("runc-1.1.5").expect("it comes with profiler");
    let all = ALL.iter().map(|name| (*name, Options::default()));
    for (name, options) in all.chain([(
        ATTACHED,
        Options {
            floor: Some(&floor),
            ..Options::default()
        },
    )]) {
        let (profile, _) =
            generator::generate(&recordings(&[name]), options).expect("enough was recorded");
        let findings = linted(output::oci(&profile).as_bytes());
        let grave: Vec<_> = findings
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Note)
            .collect();
        // The generator warns of these too.
        let meant: &[RuleId] = match name {
            // It was seen using clone3, and calls that the common libseccomp does not know.
            TROUBLED => &[RuleId::WayRound, RuleId::NewerLibseccomp],
            // How it starts was not seen, and nothing stands in.
            ATTACHED if options.floor.is_none() => &[RuleId::MissingCall],
            _ => &[],
        };
        let unmeant = grave
            .iter()
            .filter(|finding| !meant.contains(&finding.rule));
        assert_eq!(
            unmeant.collect::<Vec<_>>(),
            Vec::<&&lint::Finding>::new(),
            "{name}"
        );
    }
}

#[test]
fn what_is_mended_is_found_no_more() {
    for rule in lint::rules() {
        let before = bytes(&rule.id.to_string());
        let fixed = lint::fix(&before, &options()).expect("it is a profile");
        let fixable: BTreeSet<RuleId> = linted(&before)
            .findings
            .iter()
            .filter(|finding| finding.edit.is_some())
            .map(|finding| finding.rule)
            .collect();
        let mended: BTreeSet<RuleId> = fixed.mended.iter().copied().collect();
        assert!(mended.is_superset(&fixable), "{}: {fixable:?}", rule.id);
        let after = linted(&fixed.text);
        let left = after.findings.iter().find(|finding| finding.edit.is_some());
        assert_eq!(left, None, "{}", rule.id);
        if fixed.mended.is_empty() {
            assert_eq!(fixed.text, before);
        } else {
            let text = String::from_utf8(fixed.text).unwrap();
            insta::assert_snapshot!(format!("{}.mended", rule.id), text);
        }
    }
}

/// By libseccomp itself: what is said of rules that contradict each other.
#[test]
fn libseccomp_refuses_what_conflicts() {
    let compiles = |name: &str| {
        let profile = serde_json::from_slice(&bytes(name)).expect("it is a profile");
        compile(&profile).is_ok()
    };
    assert!(!compiles("conflicting-rules"));
    assert!(compiles("shadowed-rule"));
}

#[test]
fn sarif_is_what_its_schema_says() {
    let schema = schemas::sarif();
    let mut files: Vec<FileReport> = lint::rules()
        .iter()
        .map(|rule| report(&rule.id.to_string()))
        .collect();
    files.push(FileReport {
        path: "./a folder/\u{1b}[31m<é>.json".into(),
        findings: linted(&bytes("by-hand")),
    });
    let text = output::lint::sarif(&files);
    let sarif: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(schemas::faults(&schema, &sarif), Vec::<String>::new());
    let results = sarif["runs"][0]["results"].as_array().expect("a list");
    let found: usize = files.iter().map(|file| file.findings.findings.len()).sum();
    assert_eq!(results.len(), found);
    let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number"));
        assert_eq!(rules[index.expect("a small one")]["id"], result["ruleId"]);
    }
    let last = &results[found - 1]["locations"][0]["physicalLocation"];
    assert_eq!(
        last["artifactLocation"]["uri"],
        "a%20folder/%1B%5B31m%3C%C3%A9%3E.json"
    );
    assert!(!schema.is_valid(&serde_json::json!({"version": "2.1.0"})));
}

#[test]
fn json_is_what_the_published_schema_says() {
    let schema = schemas::published("lint");
    let rules = lint::rules().iter().map(|rule| rule.id.to_string());
    let files: Vec<FileReport> = rules.map(|name| report(&name)).collect();
    let mut told = serde_json::from_str(&output::lint::json(&files)).expect("it is JSON");
    assert_eq!(schemas::faults(&schema, &told), Vec::<String>::new());
    told["files"][0]["findings"][0]["rule"] = "no-such-rule".into();
    assert!(!schema.is_valid(&told));
}

#[test]
fn json_and_markdown() {
    let files = || {
        vec![
            report("by-hand"),
            report("good"),
            report("unmasked-comparison"),
        ]
    };
    insta::assert_snapshot!("formats.json", output::lint::json(&files()));
    insta::assert_snapshot!("formats.markdown", output::lint::markdown(&files()));
    insta::assert_snapshot!(
        "formats.sarif",
        output::lint::sarif(&[report("unmasked-comparison")])
    );
}

/// A profile with a name that a terminal, a page or a comment would obey.
#[test]
fn hostile_names_do_no_harm() {
    let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_KILL",
        "names": ["\u001b[31m\u202e@team <script>|`x`"]}]}"#;
    let files = || {
        vec![FileReport {
            path: "a|b\u{1b}.json".into(),
            findings: linted(profile.as_bytes()),
        }]
    };
    let all = [
        output::lint::text(&files()),
        output::lint::json(&files()),
        output::lint::sarif(&files()),
        output::lint::markdown(&files()),
    ];
    for text in all {
        let harmful = |c: char| c != '\n' && profiler::recording::terminals_obey(c);
        assert!(!text.contains(harmful), "{text}");
    }
    let page = output::lint::markdown(&files());
    assert!(
        !page.contains("<script>") && !page.contains("@team") && !page.contains("`x`"),
        "{page}"
    );
}

/// Cut anywhere, or with a byte changed, it is judged or refused, and the place lies in the text.
#[test]
fn whatever_a_file_holds_is_judged_or_refused() {
    let good = bytes("good");
    let judge = |text: &[u8]| {
        let Ok(findings) = lint::lint(text, &options()) else {
            return;
        };
        let lines = text.split(|byte| *byte == b'\n').count();
        for finding in findings.findings {
            assert!((1..=lines).contains(&finding.place.start.line));
            assert!(finding.place.start <= finding.place.end);
        }
        if let Ok(fixed) = lint::fix(text, &options()) {
            let _ = lint::lint(&fixed.text, &options());
        }
    };
    for end in 0..good.len() {
        judge(&good[..end]);
    }
    let bytes = b"\0\"{}[],:9n\xff".iter().cycle();
    for (at, byte) in (0..good.len()).zip(bytes) {
        let mut changed = good.clone();
        changed[at] = *byte;
        judge(&changed);
    }
}

#[test]
fn other_files_are_refused_by_their_name() {
    let recording = fs::read(file("golden/container.recording.json")).expect("it is there");
    let error = lint::lint(&recording, &options()).expect_err("it is no profile");
    assert!(
        error.to_string().starts_with("it is a recording"),
        "{error}"
    );
    for other in ["[]", "{}", "1", r#"{"name": "left-pad"}"#] {
        let error = lint::lint(other.as_bytes(), &options()).expect_err("it is no profile");
        assert!(error.to_string().contains("a profile's keys"), "{error}");
    }
}

#[test]
fn the_rules_are_told_as_the_published_schema_says() {
    let schema = schemas::published("lint-rules");
    let mut told = serde_json::from_str(&output::lint::rules_as_json()).expect("it is JSON");
    assert_eq!(schemas::faults(&schema, &told), Vec::<String>::new());
    assert_eq!(told["format"], "profiler.lint-rules");
    assert_eq!(
        told["rules"].as_array().map(Vec::len),
        Some(lint::rules().len())
    );
    told["rules"][0]["rule"] = "no-such-rule".into();
    assert!(!schema.is_valid(&told));
}
