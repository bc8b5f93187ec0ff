//! The BPF programs that this process has loaded, as the verifier left them.

use std::ffi::{CStr, c_char};
use std::fs;
use std::io;
use std::os::fd::RawFd;

use aya_obj::generated::{bpf_cmd, bpf_map_info, bpf_prog_info};

/// As it lies in the kernel (`struct bpf_insn`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    pub code: u8,
    /// The destination in the lower half, the source in the upper.
    pub registers: u8,
    pub offset: i16,
    pub immediate: i32,
}

/// A program after its verification: dead branches are gone, and lookups are inlined as this kernel
/// does it.
#[derive(Clone, Debug)]
pub struct LoadedProgram {
    pub name: String,
    pub instructions: Vec<Instruction>,
}

/// In order of name.
pub fn loaded_programs() -> Vec<LoadedProgram> {
    let mut programs: Vec<_> = descriptors("anon_inode:bpf-prog")
        .into_iter()
        .map(|program| {
            read(program).unwrap_or_else(|error| panic!("BPF program {program}: {error}"))
        })
        .collect();
    programs.sort_by(|one: &LoadedProgram, other| one.name.cmp(&other.name));
    programs
}

/// What the instructions call a map of this process'.
pub fn map_id(name: &str) -> u32 {
    descriptors("anon_inode:bpf-map")
        .into_iter()
        .map(|map| {
            // SAFETY: zeroes are valid for plain data.
            let mut info: bpf_map_info = unsafe { std::mem::zeroed() };
            ask(map, &mut info).unwrap_or_else(|error| panic!("BPF map {map}: {error}"));
            info
        })
        .find(|info| text(&info.name) == name)
        .unwrap_or_else(|| panic!("no BPF map is called {name}"))
        .id
}

fn read(program: RawFd) -> io::Result<LoadedProgram> {
    // SAFETY: zeroes are valid for plain data.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    ask(program, &mut info)?;
    let name = text(&info.name);
    let length = info.xlated_prog_len;
    let mut instructions = vec![Instruction::default(); length as usize / size_of::<Instruction>()];
    // SAFETY: as above.
    info = unsafe { std::mem::zeroed() };
    info.xlated_prog_len = length;
    info.xlated_prog_insns = instructions.as_mut_ptr() as u64;
    ask(program, &mut info)?;
    Ok(LoadedProgram { name, instructions })
}

/// Open ones of this process, by what they lead to.
fn descriptors(target: &str) -> Vec<RawFd> {
    fs::read_dir("/proc/self/fd")
        .expect("proc is mounted")
        .flatten()
        .filter(|entry| fs::read_link(entry.path()).is_ok_and(|found| found.as_os_str() == target))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// `bpf_attr` of BPF_OBJ_GET_INFO_BY_FD.
#[repr(C)]
struct Question {
    descriptor: u32,
    length: u32,
    info: u64,
}

/// `info` is of the kernel's own layout; what it points to is filled in too.
fn ask<T>(descriptor: RawFd, info: &mut T) -> io::Result<()> {
    let question = Question {
        descriptor: descriptor.cast_unsigned(),
        length: size_of::<T>().try_into().expect("it is a small structure"),
        info: std::ptr::from_mut(info) as u64,
    };
    // SAFETY: the kernel writes no further than the lengths that it is told.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            bpf_cmd::BPF_OBJ_GET_INFO_BY_FD as libc::c_int,
            &raw const question,
            size_of::<Question>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn text(name: &[c_char]) -> String {
    // SAFETY: the kernel ends names with a NUL.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    name.to_string_lossy().into_owned()
}
