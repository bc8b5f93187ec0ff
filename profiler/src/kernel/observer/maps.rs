//! The BPF maps, typed.

use std::ops::Range;

use aya::Ebpf;
use aya::maps::{HashMap, MapData, PerCpuArray, Queue};
use profiler_common::{
    CapabilityKey, CapabilitySeen, CheckInFlight, Combination, DenialKey, DenialSeen, LowPort,
    NotedKey, NotedSeen, Process, ProgramKey, Session, StrayCall,
};

use super::{Cause, ObserverError};

pub(super) struct Maps {
    pub(super) cgroups: HashMap<MapData, u64, u32>,
    pub(super) parents: HashMap<MapData, u64, u8>,
    pub(super) processes: HashMap<MapData, u32, Process>,
    pub(super) program_index: HashMap<MapData, ProgramKey, u32>,
    pub(super) session_index: HashMap<MapData, Session, u32>,
    pub(super) free_scopes: Queue<MapData, u32>,
    pub(super) free_programs: Queue<MapData, u32>,
    pub(super) free_sessions: Queue<MapData, u32>,
    pub(super) strays: HashMap<MapData, StrayCall, u8>,
    pub(super) checks: HashMap<MapData, CapabilityKey, CapabilitySeen>,
    pub(super) checks_in_flight: HashMap<MapData, u32, CheckInFlight>,
    pub(super) denials: HashMap<MapData, DenialKey, DenialSeen>,
    pub(super) noted: HashMap<MapData, NotedKey, NotedSeen>,
    pub(super) combinations: HashMap<MapData, Combination, u8>,
    pub(super) low_ports: HashMap<MapData, LowPort, u8>,
    pub(super) losses: PerCpuArray<MapData, u64>,
}

impl Maps {
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self, ObserverError> {
        macro_rules! take {
            ($name:literal) => {
                typed($name, ebpf.take_map($name))?
            };
        }
        Ok(Self {
            cgroups: take!("CGROUP_TABLE"),
            parents: take!("PARENTS"),
            processes: take!("PROCESS_TABLE"),
            program_index: take!("PROGRAM_INDEX"),
            session_index: take!("SESSION_INDEX"),
            free_scopes: take!("FREE_SCOPES"),
            free_programs: take!("FREE_PROGRAMS"),
            free_sessions: take!("FREE_SESSIONS"),
            strays: take!("STRAY_CALLS"),
            checks: take!("CAPABILITY_CHECKS"),
            checks_in_flight: take!("CHECKS_IN_FLIGHT"),
            denials: take!("DENIALS"),
            noted: take!("NOTED"),
            combinations: take!("COMBINATION_TABLE"),
            low_ports: take!("LOW_PORTS"),
            losses: take!("LOSSES"),
        })
    }
}

pub(super) fn fill(
    name: &'static str,
    queue: &mut Queue<MapData, u32>,
    indices: Range<u32>,
) -> Result<(), ObserverError> {
    for index in indices {
        queue
            .push(index, 0)
            .map_err(|source| map_error(name, source))?;
    }
    Ok(())
}

pub(super) fn remove_where<K: aya::Pod, V: aya::Pod>(
    name: &'static str,
    map: &mut HashMap<MapData, K, V>,
    mut unwanted: impl FnMut(&K) -> bool,
) -> Result<(), ObserverError> {
    let mut keys = Vec::new();
    for key in map.keys() {
        let key = key.map_err(|source| map_error(name, source))?;
        if unwanted(&key) {
            keys.push(key);
        }
    }
    for key in keys {
        // Seen twice, where another was inserted meanwhile.
        let _ = map.remove(&key);
    }
    Ok(())
}

pub(super) fn map_error(
    map: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> ObserverError {
    ObserverError::Map {
        map,
        cause: Cause(Box::new(source)),
    }
}

pub(super) fn missing(name: &'static str) -> ObserverError {
    map_error(name, std::io::Error::from(std::io::ErrorKind::NotFound))
}

pub(super) fn typed<M, T>(name: &'static str, map: Option<M>) -> Result<T, ObserverError>
where
    T: TryFrom<M, Error: std::error::Error + Send + Sync + 'static>,
{
    let map = map.ok_or_else(|| missing(name))?;
    T::try_from(map).map_err(|source| map_error(name, source))
}
