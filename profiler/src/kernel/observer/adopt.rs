//! Processes that ran before anyone watched.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;

use profiler_common::{EXE_LEN, Phase, Process, ProgramKey};

use super::maps::map_error;
use super::{Observer, ObserverError, ScopeId, ids};

const BPF_NOEXIST: u64 = 1;
/// map_update_elem: there is one already.
const EEXIST: i32 = libc::EEXIST;

impl Observer {
    /// Counts a running process among a scope's workload, from its next call on. `false`: it has
    /// ended meanwhile.
    ///
    /// Its cgroup must be watched already, so that what it forks meanwhile is seen.
    pub fn adopt(&mut self, scope: ScopeId, process: u32) -> Result<bool, ObserverError> {
        let folder = format!("/proc/{process}");
        let folder = Path::new(&folder);
        let Some(exe) = executable(folder) else {
            return Ok(false);
        };
        let program = self.program(&ProgramKey {
            scope: scope.0,
            session: 0,
            phase: Phase::Workload as u8,
            reserved: [0; 7],
            exe,
        })?;
        let entry = Process {
            scope: scope.0,
            session: 0,
            joined_in: 0,
            phase: Phase::Workload as u8,
            reserved: [0; 3],
        };
        let runs = ids::word(&self.program_of, process)?;
        // One that is there already has a lineage that was seen.
        let inserted = self.maps.processes.insert(process, entry, BPF_NOEXIST);
        unless_there(inserted).map_err(|source| map_error("PROCESS_TABLE", source))?;
        // An exec from here on was seen.
        let _ = runs.compare_exchange(0, program, Ordering::Relaxed, Ordering::Relaxed);
        if ended(folder) {
            // It may have ended before the entry was made, and then nothing takes that out again.
            runs.store(0, Ordering::Relaxed);
            let _ = self.maps.processes.remove(&process);
            return Ok(false);
        }
        Ok(true)
    }

    fn program(&mut self, key: &ProgramKey) -> Result<u32, ObserverError> {
        if let Ok(known) = self.maps.program_index.get(key, 0) {
            return Ok(known);
        }
        let index = self
            .maps
            .free_programs
            .pop(0)
            .map_err(|source| map_error("FREE_PROGRAMS", source))?;
        // SAFETY: taken out of the free ones, so nobody else has it.
        unsafe { (&raw mut (*self.programs.at(index)).key).write_volatile(*key) };
        match unless_there(self.maps.program_index.insert(key, index, BPF_NOEXIST)) {
            Ok(true) => Ok(index),
            // The kernel was first.
            Ok(false) => {
                self.programs.clear(index);
                let pushed = self.maps.free_programs.push(index, 0);
                pushed.map_err(|source| map_error("FREE_PROGRAMS", source))?;
                let known = self.maps.program_index.get(key, 0);
                known.map_err(|source| map_error("PROGRAM_INDEX", source))
            }
            Err(source) => Err(map_error("PROGRAM_INDEX", source)),
        }
    }
}

/// Whether it was inserted.
fn unless_there(result: Result<(), aya::maps::MapError>) -> Result<bool, aya::maps::MapError> {
    match result {
        Ok(()) => Ok(true),
        Err(aya::maps::MapError::SyscallError(error))
            if error.io_error.raw_os_error() == Some(EEXIST) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// As the process sees it; empty for one that must not be asked. `None`: it has ended.
fn executable(folder: &Path) -> Option<[u8; EXE_LEN]> {
    // The first thread may have ended and has none then.
    executable_of(folder).or_else(|| {
        let threads = std::fs::read_dir(folder.join("task")).ok()?;
        threads
            .flatten()
            .find_map(|thread| executable_of(&thread.path()))
    })
}

fn executable_of(thread: &Path) -> Option<[u8; EXE_LEN]> {
    let mut exe = [0; EXE_LEN];
    match std::fs::read_link(thread.join("exe")) {
        Ok(path) => {
            let path = path.as_os_str().as_bytes();
            // NUL-terminated, as the kernel side writes it.
            let kept = path.len().min(EXE_LEN - 1);
            exe[..kept].copy_from_slice(&path[..kept]);
            Some(exe)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some(exe),
        Err(_) => None,
    }
}

/// Whether no thread of it is left to make a call; its first one may end before others.
fn ended(folder: &Path) -> bool {
    let Ok(status) = std::fs::read_to_string(folder.join("status")) else {
        return true;
    };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let dead = field("State:").is_none_or(|state| state.trim_start().starts_with(['Z', 'X']));
    dead && field("Threads:").is_none_or(|threads| threads.trim() == "1")
}
