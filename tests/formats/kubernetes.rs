//! Kubernetes' own schema of a Pod, and kubectl, which lays it over a Pod of one's own.

use profiler_tests::run;
use serde_json::{Value, json};

use super::{Hardened, RECORDINGS, TELLING_NAMES, faults, schema, tool, yaml};

#[track_caller]
fn pod(hardened: &Hardened) -> Value {
    let pod = yaml(&hardened.text("kubernetes.yaml"));
    assert_eq!(faults(&schema("pod.v1.33.json"), &pod), [""; 0]);
    pod
}

fn security_context(pod: &Value) -> &Value {
    &pod["spec"]["containers"][0]["securityContext"]
}

#[test]
fn every_recording_is_a_pod() {
    for recording in RECORDINGS {
        let hardened = Hardened::with(recording, &["--name", "app"]);
        let pod = pod(&hardened);
        assert_eq!(pod["metadata"]["name"], "app");
        let mut expected = json!({
            "seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/app.json"},
        });
        if let Some(list) = hardened.capabilities() {
            expected["capabilities"] = json!({"drop": ["ALL"]});
            if !list.add.is_empty() {
                expected["capabilities"]["add"] = json!(list.add);
            }
        }
        if hardened.no_new_privileges() {
            expected["allowPrivilegeEscalation"] = json!(false);
        }
        assert_eq!(security_context(&pod), &expected, "{recording}");
        assert!(
            hardened
                .text("kubernetes.yaml")
                .contains("/var/lib/kubelet/seccomp/profiles/app.json")
        );
    }
}

#[test]
fn a_name_that_yaml_could_take_for_something_else_stays_a_name() {
    for name in TELLING_NAMES {
        let pod = pod(&Hardened::with("attached", &["--name", name]));
        let label = pod["metadata"]["name"].as_str().unwrap();
        assert_eq!(pod["spec"]["containers"][0]["name"], label);
        // RFC 1123, as the API server asks for.
        assert!(!label.starts_with('-') && !label.ends_with('-'), "{label}");
        assert!(
            label
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{label}"
        );
    }
}

#[test]
fn kubectl_lays_it_over_a_pod() {
    let hardened = Hardened::with("troubled", &["--name", "app"]);
    let folder = hardened.folder.path();
    let base = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
        "spec": {"containers": [
            {"name": "app", "image": "app:1", "ports": [{"containerPort": 80}]},
            {"name": "beside", "image": "other:1"}]},
    });
    std::fs::write(folder.join("pod.json"), base.to_string()).unwrap();
    let ran = run(tool("kubectl", folder)
        .args(["patch", "--local", "-f", "pod.json", "-o", "json", "-p"])
        .arg(hardened.text("kubernetes.yaml"))
        .env_remove("KUBECONFIG"))
    .expect_code(0);
    let merged: Value = serde_json::from_str(&ran.stdout).unwrap();
    let containers = merged["spec"]["containers"].as_array().unwrap();
    let of = |name: &str| containers.iter().find(|c| c["name"] == name).unwrap();
    assert_eq!(containers.len(), 2);
    assert_eq!(of("app")["ports"], base["spec"]["containers"][0]["ports"]);
    assert_eq!(
        &of("app")["securityContext"],
        security_context(&pod(&hardened))
    );
    assert_eq!(of("beside")["securityContext"], Value::Null);
}

#[test]
fn what_a_pod_has_not_is_refused() {
    let schema = schema("pod.v1.33.json");
    let text = Hardened::of("troubled").text("kubernetes.yaml");
    for (ours, wrong) in [
        ("localhostProfile", "localhostprofile"),
        ("type: Localhost", "type: 1"),
        ("- ALL", "- {all: true}"),
        (
            "allowPrivilegeEscalation: false",
            "allowPrivilegeEscalation: \"false\"",
        ),
    ] {
        assert!(text.contains(ours), "{ours}");
        let pod = yaml(&text.replace(ours, wrong));
        assert_ne!(faults(&schema, &pod), [""; 0], "{wrong}");
    }
}
