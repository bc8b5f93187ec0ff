//! Rules that libseccomp 2.5.4 links in a circle.

use std::time::Duration;

use super::{CompileError, within};
use crate::profile::Runtime;

#[test]
fn nobody_waits_for_what_has_no_end() {
    let profile = serde_json::from_str(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["exit_group"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 1, "value": 0, "op": "SCMP_CMP_LE"},
                {"index": 0, "value": 0, "op": "SCMP_CMP_NE"}]},
            {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 0, "op": "SCMP_CMP_NE"},
                {"index": 2, "value": 1, "op": "SCMP_CMP_LT"}]},
            {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 1, "value": 1, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"},
                {"index": 2, "value": 0, "op": "SCMP_CMP_LT"}]}]}"#,
    );
    let compiled = within(Duration::from_secs(1), Runtime::Runc1_1, &profile.unwrap());
    assert!(matches!(compiled, Err(CompileError::Endless)));
}
