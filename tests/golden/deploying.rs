//! The formats that others deploy, and what each cannot say.

use profiler::cli::{OutputFormat, RunOptions};
use profiler::generator::{self, GenerateError, Options};
use profiler::output::{self, Hardening, Name};
use profiler::profile::Profile;

use super::{ATTACHED, CAPABILITIES, CONTAINER, I386, TROUBLED, UNOBSERVED, lines, recordings};

const DEPLOYED: [(&str, OutputFormat); 6] = [
    ("docker-run", OutputFormat::DockerRun),
    ("compose", OutputFormat::Compose),
    ("kubernetes", OutputFormat::Kubernetes),
    ("spo", OutputFormat::Spo),
    ("podman", OutputFormat::Podman),
    ("systemd", OutputFormat::Systemd),
];

pub(super) fn hardening(of: &str) -> Hardening {
    let recordings = recordings(&[of]);
    let (profile, _) =
        generator::generate(&recordings, Options::default()).expect("enough was recorded");
    let capabilities = match generator::capabilities(&recordings, None) {
        Ok((list, _)) => Some(list),
        Err(GenerateError::CapabilitiesNotObserved) => None,
        Err(error) => panic!("{error}"),
    };
    let subject = recordings[0].subject.clone();
    Hardening {
        name: Name::of(&subject, None).expect("a plain name"),
        subject,
        profile,
        profile_path: "profile.json".to_owned(),
        capabilities,
        no_new_privileges: generator::recorded_with_no_new_privileges(&recordings),
        internal_network: false,
        options: RunOptions::default(),
        arguments: Vec::new(),
    }
}

pub(super) fn assert_formats(name: &str, hardening: &Hardening) {
    for (format, of) in DEPLOYED {
        let (text, warnings) = output::write(of, hardening).expect("a plain path");
        let warnings: Vec<_> = warnings.into_iter().collect();
        insta::assert_snapshot!(format!("{name}.{format}"), text);
        insta::assert_snapshot!(format!("{name}.{format}.warnings"), lines(&warnings));
    }
}

#[test]
fn a_container() {
    assert_formats("container", &hardening(CONTAINER));
}

#[test]
fn a_service_of_a_compose_project() {
    assert_formats("service", &hardening(ATTACHED));
}

/// Everything that `harden` can keep.
fn with_all_measures(hardening: &mut Hardening) {
    hardening.no_new_privileges = true;
    hardening.internal_network = true;
    hardening.options = RunOptions {
        read_only: true,
        tmpfs: vec!["/run:rw,noexec,nosuid,nodev,size=16m,uid=33,gid=44".into()],
        volume: vec!["web-data:/data".into()],
        user: Some("33:44".into()),
        memory: Some("70m".into()),
        pids_limit: Some(64),
        ulimit: vec!["nofile=1024:1024".into()],
        ..RunOptions::default()
    };
}

#[test]
fn all_measures() {
    let mut hardening = hardening(CONTAINER);
    with_all_measures(&mut hardening);
    assert_formats("measures", &hardening);
}

#[test]
fn no_network() {
    let mut hardening = hardening(CONTAINER);
    hardening.options.network = Some("none".into());
    assert_formats("no-network", &hardening);
}

#[test]
fn a_32_bit_command() {
    assert_formats("i386", &hardening(I386));
}

/// Each says no-new-privileges in its own way; the call that a filter cannot name is nowhere.
#[test]
fn whatever_a_recording_leaves_open() {
    assert_formats("troubled", &hardening(TROUBLED));
}

#[test]
fn a_command_whose_capabilities_were_not_observed() {
    assert_formats("unobserved", &hardening(UNOBSERVED));
}

#[test]
fn capabilities_of_every_verdict() {
    assert_formats("capabilities", &hardening(CAPABILITIES));
}

/// Several rules a call, a comparison an argument; one number that only an unsigned one holds.
#[test]
fn rules_about_arguments() {
    let mut hardening = hardening(UNOBSERVED);
    hardening.profile = serde_json::from_str::<Profile>(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
            "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
            {"names": ["execve", "read"], "action": "SCMP_ACT_ALLOW", "comment": "seen: the workload"},
            {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "comment": "seen: AF_UNIX",
             "args": [{"index": 0, "value": 4294967295, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]},
            {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "comment": "seen: AF_INET, stream",
             "args": [{"index": 0, "value": 4294967295, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"},
                      {"index": 1, "value": 15, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]},
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "comment": "seen: no new namespaces",
             "args": [{"index": 0, "value": 18446744071562067968, "op": "SCMP_CMP_MASKED_EQ"}]},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}"#,
    )
    .expect("a profile");
    assert_formats("arguments", &hardening);
}
