//! A service in Python: threads, SQLite, children, a user of its own from the start.

use super::{capability_names, denied, harden, json};

#[test]
fn passes_under_its_own_profile() {
    let hardened = harden("python", "python.sh", 10);
    let list = json(&hardened.capabilities);
    assert_eq!(capability_names(&list, "add"), Vec::<String>::new());
    hardened.expect_to_pass_with(&["--args", "all"]);
    hardened.expect_to_pass_with(&["--portable"]);
    denied::expect_refusals(&hardened, "python");
}
