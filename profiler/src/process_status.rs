//! `/proc/PID/status`: what the kernel tells of a process, field by field. Opens nothing.
//!
//! A process cannot forge a field by its name: the kernel escapes newlines in it (`task_state` and
//! `proc_task_name`, <https://github.com/torvalds/linux/blob/v6.18/fs/proc/array.c>).

use crate::names;

/// What stands behind `NAME:`, without the white space around it.
pub fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(':')?;
        Some(value.trim())
    })
}

/// A set of capabilities (`CapEff`, …) or signals (`SigIgn`, …): hexadecimal.
pub fn mask(status: &str, name: &str) -> Option<u64> {
    u64::from_str_radix(field(status, name)?, 16).ok()
}

/// A set of capabilities by name, with `CAP_`, the lowest number first.
pub fn capabilities(status: &str, name: &str) -> Option<Vec<String>> {
    mask(status, name).map(names::capabilities)
}

#[cfg(test)]
mod tests {
    use super::{capabilities, field, mask};

    const STATUS: &str = "Name:\tSeccomp:\\n2\nSigIgn:\t0000000000000003\n\
                          CapEff:\t0000020000200001\nSeccomp:\t2\nSeccomp_filters:\t1\n";

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        assert_eq!(field(STATUS, "Seccomp"), Some("2"));
        assert_eq!(field(STATUS, "Secc"), None);
        assert_eq!(field(STATUS, "CapBnd"), None);
    }

    #[test]
    fn masks_are_hexadecimal() {
        assert_eq!(mask(STATUS, "SigIgn"), Some(3));
        assert_eq!(mask(STATUS, "Name"), None);
        assert_eq!(mask("", "SigIgn"), None);
    }

    #[test]
    fn a_capability_without_a_name_is_kept() {
        assert_eq!(
            capabilities(STATUS, "CapEff").unwrap(),
            ["CAP_CHOWN", "CAP_SYS_ADMIN", "41"]
        );
    }
}
