//! The schema of the operator's own custom resource.

use profiler::cli::{OutputFormat, RunOptions};
use profiler::output::{self, Hardening, Name};
use profiler::profile::Profile;
use profiler_tests::recording;
use serde_json::{Value, json};

use super::{Hardened, RECORDINGS, faults, schema, yaml};

const SCHEMA: &str = "seccompprofile.v1beta1.json";

/// The profile in our own words, without what the resource has no place for.
fn plain(profile: &Profile) -> Value {
    let mut value = json!(profile);
    remove(&mut value, "defaultErrnoRet");
    let rules = value["syscalls"].as_array_mut().into_iter().flatten();
    for rule in rules {
        remove(rule, "comment");
        let names = rule["names"].as_array_mut();
        names
            .expect("each rule has names")
            .sort_by_key(|name| name.as_str().map(str::to_owned));
    }
    value
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().expect("an object").remove(key);
}

#[test]
fn every_recording_is_the_same_profile() {
    let schema = schema(SCHEMA);
    for recording in RECORDINGS {
        let hardened = Hardened::with(recording, &["--name", "App_1"]);
        let resource = yaml(&hardened.text("spo.yaml"));
        assert_eq!(faults(&schema, &resource), [""; 0], "{recording}");
        assert_eq!(
            resource["apiVersion"],
            "security-profiles-operator.x-k8s.io/v1beta1"
        );
        assert_eq!(resource["kind"], "SeccompProfile");
        assert_eq!(resource["metadata"], json!({"name": "app-1"}));
        assert_eq!(resource["spec"], plain(&hardened.profile()), "{recording}");
        let says_so = hardened
            .text("spo.yaml")
            .contains("allowPrivilegeEscalation: false");
        assert_eq!(says_so, hardened.no_new_privileges(), "{recording}");
    }
}

/// The operator's numbers are signed, and it has no errno but EPERM by default.
#[test]
fn rules_about_arguments_are_kept_where_they_can_be() {
    let subject = recording(&profiler_tests::file("golden/container.recording.json")).subject;
    let rules = |clone: Value| {
        json!([
            {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": u32::MAX, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"},
                {"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}]},
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": clone},
        ])
    };
    let too_large = json!([{"index": 0, "value": u64::MAX, "op": "SCMP_CMP_MASKED_EQ"}]);
    let profile = json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
        "architectures": ["SCMP_ARCH_X86_64"], "syscalls": rules(too_large)});
    let hardening = Hardening {
        name: Name::of(&subject, None).unwrap(),
        subject,
        profile: serde_json::from_value(profile).unwrap(),
        profile_path: "profile.json".to_owned(),
        capabilities: None,
        no_new_privileges: false,
        internal_network: false,
        options: RunOptions::default(),
        arguments: Vec::new(),
    };
    let (text, warnings) = output::write(OutputFormat::Spo, &hardening).unwrap();
    let resource = yaml(&text);
    assert_eq!(faults(&schema(SCHEMA), &resource), [""; 0]);
    let mut expected = rules(Value::Null);
    remove(&mut expected[2], "args");
    assert_eq!(resource["spec"]["syscalls"], expected);
    let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("clone") && !said[0].contains("socket"));
    assert!(said[1].contains("errno 38"));
}

#[test]
fn what_the_resource_has_not_is_refused() {
    let schema = schema(SCHEMA);
    let text = Hardened::of("container").text("spo.yaml");
    for (ours, wrong) in [
        ("SCMP_ACT_ALLOW", "ALLOW"),
        ("errnoRet: 38", "errnoRet: -38"),
        ("defaultAction", "default"),
        ("SCMP_ARCH_X86_64", "x86_64"),
    ] {
        assert!(text.contains(ours), "{ours}");
        let resource = yaml(&text.replace(ours, wrong));
        assert_ne!(faults(&schema, &resource), [""; 0], "{wrong}");
    }
}
