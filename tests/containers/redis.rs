//! redis: started as root, drops to its user, saves in forked children and threads.

use super::{capability_names, denied, harden, json};

#[test]
fn passes_under_its_own_profile() {
    let hardened = harden("redis", "redis.sh", 30);
    let list = json(&hardened.capabilities);
    assert_eq!(capability_names(&list, "drop"), ["ALL"]);
    // CHOWN for the entrypoint's chown of /data.
    assert_eq!(
        capability_names(&list, "add"),
        ["CHOWN", "SETGID", "SETUID"]
    );
    hardened.expect_to_pass_with(&["--args", "all"]);
    hardened.expect_to_pass_with(&["--portable"]);
    denied::expect_refusals(&hardened, "redis");
}
