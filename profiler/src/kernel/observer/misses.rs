//! How often the kernel did not run a program of ours where it should have, as far as it counts
//! that: the program itself never learns of it.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::PathBuf;

use aya::programs::ProgramFd;
use aya::programs::links::FdLink;

const BPF_OBJ_GET_INFO_BY_FD: libc::c_long = 15;
const BPF_LINK_GET_FD_BY_ID: libc::c_long = 30;

/// A kprobe's attachment, which lasts as long as this.
pub(super) struct Probe {
    _link: FdLink,
    /// Where the kernel counts what the probe missed; `None`: it does not, or does not let us look.
    counter: Option<OwnedFd>,
}

impl Probe {
    pub(super) fn new(link: FdLink) -> Self {
        let counter = link.info().ok().and_then(|info| by_id(info.id()).ok());
        Self {
            counter: counter.filter(|link| matches!(missed(link), Ok(Some(_)))),
            _link: link,
        }
    }

    pub(super) fn is_counted(&self) -> bool {
        self.counter.is_some()
    }

    pub(super) fn missed(&self) -> io::Result<u64> {
        match &self.counter {
            Some(link) => Ok(missed(link)?.unwrap_or(0)),
            None => Ok(0),
        }
    }
}

/// While it ran already on that processor.
pub(super) fn of_program(program: &ProgramFd) -> io::Result<u64> {
    let fd = program.as_fd().as_raw_fd();
    let path = PathBuf::from(format!("/proc/self/fdinfo/{fd}"));
    recursions(&std::fs::read_to_string(path)?).ok_or(io::ErrorKind::InvalidData.into())
}

/// Since Linux 5.12
/// (<https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/syscall.c#L2367>).
fn recursions(fdinfo: &str) -> Option<u64> {
    let mut lines = fdinfo.lines();
    let count = lines.find_map(|line| line.strip_prefix("recursion_misses:"))?;
    count.trim().parse().ok()
}

/// As much of `union bpf_attr` as the two commands take.
#[repr(C)]
struct Attributes {
    id_or_fd: u32,
    length: u32,
    info: u64,
}

/// `struct bpf_link_info` of a kprobe, as far as is needed
/// (<https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h#L6667>).
#[repr(C)]
#[derive(Default)]
struct ProbeInfo {
    link_type: u32,
    id: u32,
    program: u32,
    reserved: u32,
    event_type: u32,
    reserved_again: u32,
    function: u64,
    function_length: u32,
    offset: u32,
    address: u64,
    /// Since Linux 6.7.
    missed: u64,
}

const PROBE_INFO_LEN: u32 = 56;
const _: () = assert!(size_of::<ProbeInfo>() == PROBE_INFO_LEN as usize);

fn by_id(id: u32) -> io::Result<OwnedFd> {
    let mut attributes = Attributes {
        id_or_fd: id,
        length: 0,
        info: 0,
    };
    let fd = bpf(BPF_LINK_GET_FD_BY_ID, &mut attributes)?;
    // SAFETY: the kernel has just made it, for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `None`: the kernel does not count that.
fn missed(link: &OwnedFd) -> io::Result<Option<u64>> {
    let mut info = ProbeInfo::default();
    let mut attributes = Attributes {
        id_or_fd: link.as_raw_fd().cast_unsigned(),
        length: PROBE_INFO_LEN,
        info: (&raw mut info).expose_provenance() as u64,
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attributes)?;
    // It says how much it knows.
    Ok((attributes.length >= PROBE_INFO_LEN).then_some(info.missed))
}

fn bpf(command: libc::c_long, attributes: &mut Attributes) -> io::Result<i32> {
    // SAFETY: the attributes are those of the command, and what they point to is as long as they
    // say.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            &raw mut *attributes,
            size_of::<Attributes>(),
        )
    };
    nix::errno::Errno::result(result)?;
    i32::try_from(result).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::recursions;

    #[test]
    fn what_a_program_missed_is_read() {
        let fdinfo = "prog_type:\t26\nrun_cnt:\t9\nrecursion_misses:\t3\nverified_insns:\t7\n";
        assert_eq!(recursions(fdinfo), Some(3));
        assert_eq!(recursions("pos:\t0\n"), None);
    }
}
