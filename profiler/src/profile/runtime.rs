//! Who loads a profile: each runtime puts something else around libseccomp's filter.

use super::{Action, Profile};

/// The machine's own architecture, which belongs to every filter, listed or not.
pub const NATIVE: &str = "SCMP_ARCH_X86_64";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// runc from 1.0.0-rc93 to 1.1.14: before a filter that denies by default it answers ENOSYS for
    /// numbers above the highest one named, of each architecture listed
    /// (<https://github.com/opencontainers/runc/blob/v1.1.5/libcontainer/seccomp/patchbpf/enosys_linux.go>).
    Runc1_1,
    /// runc from 1.1.15 and 1.2 on: of the machine's own architecture too, where it is not listed
    /// (<https://github.com/opencontainers/runc/blob/v1.2.0/libcontainer/seccomp/patchbpf/enosys_linux.go>).
    Runc1_2,
    /// The filter and nothing else
    /// (<https://github.com/containers/crun/blob/1.9.2/src/libcrun/seccomp.c>).
    Crun,
}

impl Runtime {
    /// Those for which ENOSYS is answered above the highest number that `profile` names.
    pub fn stubbed(self, profile: &Profile) -> Vec<&str> {
        let permissive = matches!(
            profile.default_action,
            Action::Allow | Action::Log | Action::Trace
        );
        let is_said = profile.default_errno_ret == Some(libc::ENOSYS.unsigned_abs());
        if self == Self::Crun || permissive || is_said {
            return Vec::new();
        }
        let mut names: Vec<&str> = profile.architectures.iter().map(String::as_str).collect();
        if self == Self::Runc1_2 && !names.contains(&NATIVE) {
            names.push(NATIVE);
        }
        names
    }
}
