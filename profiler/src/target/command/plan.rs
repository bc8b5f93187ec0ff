//! All that a child needs between fork and exec, made before: there it may not allocate.

use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::ptr::null;

use super::{CommandError, CommandSpec, resolve};
use crate::process_status;

pub(super) struct Plan<'a> {
    pub(super) cgroup_procs: OwnedFd,
    /// Set, asked for or needed.
    pub(super) no_new_privileges: bool,
    /// By the child: it is not set yet.
    pub(super) set_no_new_privileges: bool,
    pub(super) filter: &'a [libc::sock_filter],
    pub(super) filter_length: u16,
    pub(super) program: CString,
    pub(super) argv: Vec<CString>,
    pub(super) environment: Vec<CString>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(spec: &CommandSpec<'a>) -> Result<Self, CommandError> {
        let name = spec.name();
        let program = resolve::resolve(name, std::env::var_os("PATH").as_deref())?;
        let procs = spec.cgroup.join("cgroup.procs");
        let cgroup_procs = std::fs::File::options()
            .write(true)
            .open(&procs)
            .map_err(|source| CommandError::Cgroup {
                name: name.into(),
                cgroup: spec.cgroup.to_owned(),
                source,
            })?;
        let filter_length = u16::try_from(spec.filter.len()).map_err(|_| CommandError::Filter {
            name: name.into(),
            source: io::Error::from_raw_os_error(libc::EINVAL),
        })?;
        let has = no_new_privileges();
        let no_new_privileges = has || spec.no_new_privileges || !has_sys_admin();
        Ok(Self {
            cgroup_procs: cgroup_procs.into(),
            no_new_privileges,
            set_no_new_privileges: no_new_privileges && !has,
            filter: spec.filter,
            filter_length,
            program: c_string(program.into_os_string().into_vec()),
            argv: spec
                .argv
                .iter()
                .map(|argument| c_string(argument.as_bytes().to_vec()))
                .collect(),
            environment: std::env::vars_os()
                .map(|(key, value)| c_string([key.as_bytes(), b"=", value.as_bytes()].concat()))
                .collect(),
        })
    }

    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsStr::from_bytes(self.program.as_bytes()))
    }
}

fn c_string(bytes: Vec<u8>) -> CString {
    CString::new(bytes).expect("arguments and environment came to us as C strings")
}

pub(super) fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([null()])
        .collect()
}

fn no_new_privileges() -> bool {
    // SAFETY: only asks.
    unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 }
}

/// Whether seccomp(2) will take a filter from us without no_new_privs.
fn has_sys_admin() -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    std::fs::read_to_string("/proc/thread-self/status")
        .ok()
        .and_then(|status| process_status::mask(&status, "CapEff"))
        .is_some_and(|set| set & (1 << CAP_SYS_ADMIN) != 0)
}
