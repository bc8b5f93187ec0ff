//! The few functions of libseccomp that a compilation needs, opened at run time.
//!
//! A binding and no more: it turns return codes into errnos and frees what it made.
//! Signatures: <https://github.com/seccomp/libseccomp/blob/v2.5.4/include/seccomp.h.in>.

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsRawFd as _;
use std::ptr::NonNull;

use libloading::Library;

/// The name under which distributions install the library's second ABI, the one since 2012.
pub(super) const SONAME: &str = "libseccomp.so.2";

/// `seccomp_syscall_resolve_name` for a name that it does not know.
const UNKNOWN: c_int = -1;

/// `enum scmp_filter_attr`: whether loading sets no_new_privs.
const CTL_NNP: c_int = 3;

/// `struct scmp_arg_cmp`
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Condition {
    pub(super) argument: c_uint,
    pub(super) operator: c_int,
    pub(super) first: u64,
    pub(super) second: u64,
}

#[repr(C)]
struct Version {
    major: c_uint,
    minor: c_uint,
    micro: c_uint,
}

type Context = *mut c_void;

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        pub(super) struct Libseccomp {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// Keeps the functions above mapped.
            _library: Library,
        }

        impl Libseccomp {
            pub(super) fn open() -> Result<Self, libloading::Error> {
                // SAFETY: libseccomp has no initialisers with preconditions.
                let library = unsafe { Library::new(SONAME) }?;
                Ok(Self {
                    // SAFETY: the types are those of the library's public header.
                    $($name: *unsafe { library.get(stringify!($name)) }?,)*
                    _library: library,
                })
            }
        }
    };
}

functions! {
    seccomp_version: fn() -> *const Version;
    seccomp_arch_resolve_name: fn(*const c_char) -> u32;
    seccomp_syscall_resolve_name: fn(*const c_char) -> c_int;
    seccomp_syscall_resolve_name_arch: fn(u32, *const c_char) -> c_int;
    seccomp_init: fn(u32) -> Context;
    seccomp_release: fn(Context);
    seccomp_arch_add: fn(Context, u32) -> c_int;
    seccomp_attr_set: fn(Context, c_int, u32) -> c_int;
    seccomp_rule_add_array: fn(Context, u32, c_int, c_uint, *const Condition) -> c_int;
    seccomp_export_bpf: fn(Context, c_int) -> c_int;
}

impl Libseccomp {
    pub(super) fn version(&self) -> String {
        // SAFETY: takes nothing, and returns a pointer to a static or nothing.
        let version = unsafe { (self.seccomp_version)().as_ref() };
        version.map_or_else(
            || "unknown".to_owned(),
            |v| format!("{}.{}.{}", v.major, v.minor, v.micro),
        )
    }

    /// From `x86_64`, `x86`, `aarch64` …
    pub(super) fn architecture(&self, name: &str) -> Option<u32> {
        let name = CString::new(name).ok()?;
        // SAFETY: a NUL-terminated string that outlives the call.
        let token = unsafe { (self.seccomp_arch_resolve_name)(name.as_ptr()) };
        (token != 0).then_some(token)
    }

    /// The native number; for a call that only other architectures have, a negative number that
    /// the library translates when a rule is added.
    pub(super) fn syscall(&self, name: &str) -> Option<c_int> {
        let name = CString::new(name).ok()?;
        // SAFETY: as above.
        let number = unsafe { (self.seccomp_syscall_resolve_name)(name.as_ptr()) };
        (number != UNKNOWN).then_some(number)
    }

    /// The number that the kernel sees (for x32 with its bit); `None` where the architecture has
    /// no such call.
    pub(super) fn syscall_of(&self, architecture: u32, name: &str) -> Option<u32> {
        let name = CString::new(name).ok()?;
        // SAFETY: as above.
        let number =
            unsafe { (self.seccomp_syscall_resolve_name_arch)(architecture, name.as_ptr()) };
        u32::try_from(number).ok()
    }

    /// An empty filter for the native architecture; `None` where the library or the kernel does
    /// not know the action.
    pub(super) fn filter(&self, default_action: u32) -> Option<Filter<'_>> {
        // SAFETY: takes a number; the result is checked.
        let context = NonNull::new(unsafe { (self.seccomp_init)(default_action) })?;
        Some(Filter {
            library: self,
            context,
        })
    }
}

pub(super) struct Filter<'a> {
    library: &'a Libseccomp,
    context: NonNull<c_void>,
}

impl Filter<'_> {
    /// One that is there already is no error.
    pub(super) fn add_architecture(&mut self, token: u32) -> io::Result<()> {
        // SAFETY: the context is alive until drop.
        match unsafe { (self.library.seccomp_arch_add)(self.context.as_ptr(), token) } {
            code if code == -libc::EEXIST => Ok(()),
            code => check(code),
        }
    }

    pub(super) fn clear_no_new_privileges(&mut self) -> io::Result<()> {
        // SAFETY: as above.
        check(unsafe { (self.library.seccomp_attr_set)(self.context.as_ptr(), CTL_NNP, 0) })
    }

    pub(super) fn add_rule(
        &mut self,
        action: u32,
        number: c_int,
        conditions: &[Condition],
    ) -> io::Result<()> {
        let count = c_uint::try_from(conditions.len()).expect("at most six conditions");
        // SAFETY: as above; the library reads `count` conditions and keeps none.
        check(unsafe {
            (self.library.seccomp_rule_add_array)(
                self.context.as_ptr(),
                action,
                number,
                count,
                conditions.as_ptr(),
            )
        })
    }

    pub(super) fn export(&self) -> io::Result<Vec<libc::sock_filter>> {
        let file =
            nix::sys::memfd::memfd_create(c"filter", nix::sys::memfd::MFdFlags::MFD_CLOEXEC)?;
        let mut file = std::fs::File::from(file);
        // SAFETY: as above; the descriptor is open.
        check(unsafe {
            (self.library.seccomp_export_bpf)(self.context.as_ptr(), file.as_raw_fd())
        })?;
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        let (instructions, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(instructions.iter().copied().map(instruction).collect())
    }
}

/// `struct sock_filter` as it lies in memory.
fn instruction([c0, c1, jt, jf, k @ ..]: [u8; 8]) -> libc::sock_filter {
    libc::sock_filter {
        code: u16::from_ne_bytes([c0, c1]),
        jt,
        jf,
        k: u32::from_ne_bytes(k),
    }
}

impl Drop for Filter<'_> {
    fn drop(&mut self) {
        // SAFETY: made by seccomp_init, released once.
        unsafe { (self.library.seccomp_release)(self.context.as_ptr()) }
    }
}

/// The library returns 0 or a negative errno.
fn check(code: c_int) -> io::Result<()> {
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(-code))
    }
}

#[cfg(test)]
mod tests {
    use profiler_common::{Abi, X32_BIT};

    use std::collections::BTreeSet;

    use super::Libseccomp;
    use crate::names;

    /// Our own tables, which reports and the evaluator use. A name without a number here is newer
    /// than the library, or has two ways to be called: i386's sockets and System V IPC.
    #[test]
    fn names_have_the_librarys_numbers() {
        let library = Libseccomp::open().unwrap();
        let mut known = 0;
        for (abi, token, bit) in [
            (Abi::X86_64, "x86_64", 0),
            (Abi::I386, "x86", 0),
            (Abi::X32, "x32", X32_BIT),
        ] {
            let token = library.architecture(token).unwrap();
            for name in names::syscalls() {
                let ours = names::number(abi, name).map(|number| number | bit);
                if let Some(number) = library.syscall_of(token, name) {
                    assert_eq!(ours, Some(number), "{abi:?} {name}");
                    known += 1;
                }
            }
        }
        assert!(known > 1000, "{known}");
    }

    /// Of names that are older than the library. `break` does nothing anywhere.
    #[test]
    fn other_architectures_have_the_librarys_calls() {
        let library = Libseccomp::open().unwrap();
        let version = library.version().parse().unwrap();
        let is_old = |name: &&str| {
            *name != "break" && names::libseccomp_since(name).is_some_and(|since| since <= version)
        };
        for (ours, own) in [
            ("SCMP_ARCH_AARCH64", "aarch64"),
            ("SCMP_ARCH_ARM", "arm"),
            ("SCMP_ARCH_PPC64LE", "ppc64le"),
            ("SCMP_ARCH_RISCV64", "riscv64"),
        ] {
            let token = library.architecture(own).unwrap();
            let all = || names::known_to_libseccomp().filter(is_old);
            let here: BTreeSet<&str> = all().filter(|name| names::exists(ours, name)).collect();
            let there: BTreeSet<&str> = all()
                .filter(|name| library.syscall_of(token, name).is_some())
                .collect();
            let missing: Vec<_> = there.difference(&here).collect();
            assert_eq!(missing, Vec::<&&str>::new(), "{ours}");
            // To the library those are parts of socketcall and ipc there.
            let parts = here.difference(&there).count();
            assert_eq!(parts, if own == "ppc64le" { 31 } else { 0 }, "{ours}");
        }
    }
}
