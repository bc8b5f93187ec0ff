//! nginx: a master as root, workers as www-data, port 80, a reload by `docker exec`.

use profiler::recording::{ExecSession, SessionKind};

use super::{capability_names, denied, harden, json};

/// Each confirmed by dropping it; the port needs none, since Docker sets
/// net.ipv4.ip_unprivileged_port_start to 0.
const CAPABILITIES: [&str; 3] = ["CHOWN", "SETGID", "SETUID"];

#[test]
fn passes_under_its_own_profile() {
    let hardened = harden("nginx", "nginx.sh", 30);
    let list = json(&hardened.capabilities);
    assert_eq!(capability_names(&list, "drop"), ["ALL"]);
    assert_eq!(capability_names(&list, "add"), CAPABILITIES);
    hardened.expect_to_pass_with(&["--args", "all"]);
    hardened.expect_to_pass_with(&["--portable"]);
    denied::expect_refusals(&hardened, "nginx");
}

/// The health check's program is a joiner, not the workload: only it runs busybox.
#[test]
fn a_health_check_is_waited_for_and_recorded_apart() {
    let hardened = harden("nginx-health", "nginx.sh", 5);
    let architecture = &hardened.recording.architectures["SCMP_ARCH_X86_64"];
    let of_busybox = architecture
        .values()
        .flat_map(|call| &call.callers)
        .filter(|caller| {
            let exe = caller.exe.as_ref();
            exe.is_some_and(|exe| exe.to_string().contains("busybox"))
        });
    let phases: Vec<_> = of_busybox.map(|caller| caller.phase).collect();
    assert!(!phases.is_empty(), "the health check ran");
    assert!(
        phases.iter().all(|phase| *phase == super::Phase::Exec),
        "{phases:?}"
    );
    let sessions = hardened.recording.sessions.iter();
    let (checks, execs): (Vec<_>, Vec<_>) =
        sessions.partition(|session| session.kind == SessionKind::HealthCheck);
    let runs_busybox = |session: &&ExecSession| session.argv[0].to_string().contains("busybox");
    assert!(
        !checks.is_empty() && checks.iter().all(runs_busybox),
        "{checks:?}"
    );
    assert!(!execs.iter().any(runs_busybox), "{execs:?}");
    assert_eq!(
        capability_names(&json(&hardened.capabilities), "add"),
        CAPABILITIES
    );
}
