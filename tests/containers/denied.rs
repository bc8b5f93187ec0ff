//! What a profile denies, shown by the kernel's own refusals in a container that we did not start.

use std::collections::BTreeMap;

use profiler_tests::{docker, image, program};

use super::{Hardened, capability_names, json};

const EPERM: i32 = 1;

/// `unshare`, `mount`, `ptrace`, `bpf` and a raw socket get EPERM under the profile, and only because of it:
/// without one none of them does.
pub(super) fn expect_refusals(hardened: &Hardened, name: &str) {
    let filter = format!("seccomp={}", hardened.profile.display());
    let mut options = vec!["--security-opt", &filter, "--cap-drop", "ALL"];
    let names = capability_names(&json(&hardened.capabilities), "add");
    for name in &names {
        options.extend(["--cap-add", name]);
    }
    // Kernels before 6.3 ask for the capability before they look at bpf's arguments.
    let open = [
        "--security-opt",
        "seccomp=unconfined",
        "--cap-add",
        "SYS_ADMIN",
    ];
    let names = ["bpf", "mount", "ptrace", "raw", "unshare"];

    let without = probe(&open, name);
    assert_eq!(
        without.keys().collect::<Vec<_>>(),
        names.iter().collect::<Vec<_>>()
    );
    assert!(without.values().all(|errno| *errno != EPERM), "{without:?}");

    let under = probe(&options, name);
    assert_eq!(
        under.keys().collect::<Vec<_>>(),
        names.iter().collect::<Vec<_>>()
    );
    assert!(under.values().all(|errno| *errno == EPERM), "{under:?}");
}

/// The errno that each call got, 0 where it went through.
fn probe(options: &[&str], name: &str) -> BTreeMap<String, i32> {
    let (mount, image) = (
        format!("{}:/probe:ro", program("probe").display()),
        image(name),
    );
    let mut arguments = vec!["run", "--rm", "--entrypoint", "/probe", "--volume", &mount];
    arguments.extend(options);
    arguments.push(&image);
    docker(&arguments)
        .lines()
        .map(|line| {
            let (call, errno) = line.split_once(' ').unwrap();
            (call.to_owned(), errno.parse().unwrap())
        })
        .collect()
}
