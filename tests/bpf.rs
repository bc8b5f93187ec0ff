//! BPF without the product: what the verifier left of the programs that this process has loaded,
//! and an empty program to compare them with.

use std::ffi::{CStr, c_char};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use aya_obj::btf::{Btf, BtfError, BtfKind};
use aya_obj::generated::{
    bpf_attach_type, bpf_attr, bpf_cmd, bpf_map_info, bpf_prog_info, bpf_prog_type,
};

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
    /// How often it ran and for how long, while BPF statistics were on.
    pub runs: u64,
    pub run_time_ns: u64,
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

/// Bytes that the kernel holds for this process' BPF maps.
pub fn maps_memory() -> u64 {
    descriptors("anon_inode:bpf-map")
        .into_iter()
        .filter_map(|map| {
            let facts = fs::read_to_string(format!("/proc/self/fdinfo/{map}")).ok()?;
            let bytes = facts
                .lines()
                .find_map(|line| line.strip_prefix("memlock:"))?;
            bytes.trim().parse::<u64>().ok()
        })
        .sum()
}

/// A program that does nothing, until it is dropped: the least that this way of looking can cost.
pub struct EmptyProgram {
    _program: OwnedFd,
    _link: OwnedFd,
}

impl EmptyProgram {
    /// At a tracepoint (`sys_enter`).
    pub fn attach(tracepoint: &str) -> io::Result<Self> {
        /// `r0 = 0; exit`
        const NOTHING: [u64; 2] = [0xb7, 0x95];
        let btf = Btf::from_sys_fs().map_err(io::Error::other)?;
        let hook = btf.id_by_type_name_kind(&format!("btf_trace_{tracepoint}"), BtfKind::Typedef);
        let hook = hook.map_err(|error: BtfError| io::Error::other(error))?;
        // SAFETY: zeroes are valid for plain data.
        let mut load: bpf_attr = unsafe { std::mem::zeroed() };
        load.__bindgen_anon_3.prog_type = bpf_prog_type::BPF_PROG_TYPE_TRACING as u32;
        // SAFETY: the same variant of the union.
        let program = unsafe { &mut load.__bindgen_anon_3 };
        program.expected_attach_type = bpf_attach_type::BPF_TRACE_RAW_TP as u32;
        program.attach_btf_id = hook;
        program.insns = NOTHING.as_ptr() as u64;
        program.insn_cnt = 2;
        program.license = c"GPL".as_ptr() as u64;
        let program = descriptor(bpf_cmd::BPF_PROG_LOAD, &mut load)?;
        // SAFETY: as above.
        let mut attach: bpf_attr = unsafe { std::mem::zeroed() };
        attach.raw_tracepoint.prog_fd = program.as_raw_fd().cast_unsigned();
        let link = descriptor(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attach)?;
        Ok(Self {
            _program: program,
            _link: link,
        })
    }
}

/// Makes the kernel count each program's runs and their time, until it is dropped; that costs too.
pub fn count_runs() -> io::Result<OwnedFd> {
    // SAFETY: zeroes are valid for plain data, and 0 is BPF_STATS_RUN_TIME.
    let mut nothing_else: bpf_attr = unsafe { std::mem::zeroed() };
    descriptor(bpf_cmd::BPF_ENABLE_STATS, &mut nothing_else)
}

fn read(program: RawFd) -> io::Result<LoadedProgram> {
    // SAFETY: zeroes are valid for plain data.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    ask(program, &mut info)?;
    let (name, runs, run_time_ns) = (text(&info.name), info.run_cnt, info.run_time_ns);
    let length = info.xlated_prog_len;
    let mut instructions = vec![Instruction::default(); length as usize / size_of::<Instruction>()];
    // SAFETY: as above.
    info = unsafe { std::mem::zeroed() };
    info.xlated_prog_len = length;
    info.xlated_prog_insns = instructions.as_mut_ptr() as u64;
    ask(program, &mut info)?;
    Ok(LoadedProgram {
        name,
        instructions,
        runs,
        run_time_ns,
    })
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

/// `info` is of the kernel's own layout; what it points to is filled in too.
fn ask<T>(descriptor: RawFd, info: &mut T) -> io::Result<()> {
    // SAFETY: zeroes are valid for plain data.
    let mut question: bpf_attr = unsafe { std::mem::zeroed() };
    question.info.bpf_fd = descriptor.cast_unsigned();
    // SAFETY: the same variant of the union.
    let lengths = unsafe { &mut question.info };
    lengths.info_len = size_of::<T>().try_into().expect("it is a small structure");
    lengths.info = std::ptr::from_mut(info) as u64;
    bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut question).map(drop)
}

fn descriptor(command: bpf_cmd, attributes: &mut bpf_attr) -> io::Result<OwnedFd> {
    let number = bpf(command, attributes)?;
    // SAFETY: the kernel has just opened it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn bpf(command: bpf_cmd, attributes: &mut bpf_attr) -> io::Result<RawFd> {
    // SAFETY: the kernel writes no further than the lengths that it is told.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_int,
            std::ptr::from_mut(attributes),
            size_of::<bpf_attr>(),
        )
    };
    match i32::try_from(result) {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(io::Error::last_os_error()),
    }
}

fn text(name: &[c_char]) -> String {
    // SAFETY: the kernel ends names with a NUL.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    name.to_string_lossy().into_owned()
}
