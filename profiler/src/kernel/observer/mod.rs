//! Loads the programs, attaches them, watches cgroups, reads what was seen.

mod adopt;
mod events;
mod table;

use std::collections::{HashMap as Index, HashSet};
use std::ops::Range;

use aya::maps::{HashMap, MapData, PerCpuArray, Queue};
use aya::programs::BtfTracePoint;
use aya::{Btf, Ebpf, EbpfLoader};
use profiler_common::{
    Abi, Boundary, CapabilityKey, CapabilitySeen, DenialKey, DenialSeen, FirstSeen, Loss, Phase,
    Process, Program, ProgramKey, SESSIONS, Scope, ScopeState, Session, StrayCall,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use self::events::Events;
use self::table::Table;
use super::facts::{
    BeganWith, CapabilitySighting, DenialSighting, Facts, LossCounts, ProgramFacts, ScopeFacts,
    SeenCall, SessionFacts,
};
use super::{OBJECT, PreflightError, layout, preflight};

/// What is watched for, and how much of it at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Refused calls are watched too, at the cost of a second tracepoint on every call.
    pub denials: bool,
    pub capacity: Capacity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// A subject or a few.
    Few,
    /// Containers that others start, thousands at once.
    Many,
}

impl Capacity {
    /// 7 MiB of kernel memory, or 27.
    fn programs(self) -> u32 {
        match self {
            Self::Few => 2048,
            Self::Many => 8192,
        }
    }

    fn scopes(self) -> u32 {
        match self {
            Self::Few => 64,
            Self::Many => profiler_common::SCOPES,
        }
    }

    fn capability_checks(self) -> u32 {
        match self {
            Self::Few => 8192,
            Self::Many => 32_768,
        }
    }
}

/// One watched scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(u32);

#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    #[error(transparent)]
    Preflight(#[from] PreflightError),
    #[error(transparent)]
    Layout(#[from] layout::LayoutError),
    #[error("the kernel refused the BPF programs: {}", chain(.0))]
    Load(#[from] aya::EbpfError),
    #[error("the kernel refused the BPF program {program}: {}", chain(.source))]
    Program {
        program: &'static str,
        source: aya::programs::ProgramError,
    },
    #[error("cannot read the BPF map {map}: {}", chain(&**.source))]
    Map {
        map: &'static str,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{0} scopes are watched already, the most at once")]
    NoScope(u32),
}

/// With the causes, on one line: aya's own messages name the step only.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    // A verifier's log would bury the reason.
    text.lines().next().unwrap_or_default().to_owned()
}

/// The attached programs. Dropping it detaches them: nothing is pinned.
pub struct Observer {
    /// Holds the attachments.
    _ebpf: Ebpf,
    maps: Maps,
    scopes: Table<Scope>,
    programs: Table<Program>,
    sessions: Table<Session>,
    capability_hook: Option<&'static str>,
    events: Events,
}

struct Maps {
    cgroups: HashMap<MapData, u64, u32>,
    parents: HashMap<MapData, u64, u8>,
    processes: HashMap<MapData, u32, Process>,
    program_index: HashMap<MapData, ProgramKey, u32>,
    session_index: HashMap<MapData, Session, u32>,
    free_scopes: Queue<MapData, u32>,
    free_programs: Queue<MapData, u32>,
    free_sessions: Queue<MapData, u32>,
    strays: HashMap<MapData, StrayCall, u8>,
    checks: HashMap<MapData, CapabilityKey, CapabilitySeen>,
    denials: HashMap<MapData, DenialKey, DenialSeen>,
    losses: PerCpuArray<MapData, u64>,
}

impl Maps {
    fn take(ebpf: &mut Ebpf) -> Result<Self, ObserverError> {
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
            denials: take!("DENIALS"),
            losses: take!("LOSSES"),
        })
    }
}

/// Program, and whether it is attached always (else only where denials are watched).
const PROGRAMS: [(&str, bool); 8] = [
    ("sched_process_fork", true),
    ("sched_process_exec", true),
    ("sched_process_exit", true),
    ("cgroup_mkdir", true),
    ("cgroup_rmdir", true),
    ("cgroup_attach_task", true),
    ("sys_exit", false),
    // Last, so that lineage is known before the first call counts.
    ("sys_enter", true),
];
const CAPABILITY_PROGRAM: &str = "cap_capable";

impl Observer {
    /// Must be called inside a tokio runtime, which reads the events.
    pub fn load(watch: Watch) -> Result<Self, ObserverError> {
        preflight::preflight()?;
        let layout = layout::running()?;
        let btf = Btf::from_sys_fs().map_err(aya::EbpfError::from)?;
        let denials = u8::from(watch.denials);
        let read_strings = u8::from(preflight::may_read_strings());
        let (scopes, programs) = (watch.capacity.scopes(), watch.capacity.programs());
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&btf))
            .override_global("LAYOUT", &layout, true)
            .override_global("DENIALS_WATCHED", &denials, true)
            .override_global("READ_STRINGS", &read_strings, true)
            .map_max_entries("SCOPE_TABLE", scopes)
            .map_max_entries("FREE_SCOPES", scopes)
            .map_max_entries("PROGRAM_TABLE", programs)
            .map_max_entries("PROGRAM_INDEX", programs)
            .map_max_entries("FREE_PROGRAMS", programs)
            .map_max_entries("CAPABILITY_CHECKS", watch.capacity.capability_checks())
            .load(OBJECT)?;
        let scopes = Table::map(&ebpf, "SCOPE_TABLE", scopes)?;
        let programs = Table::map(&ebpf, "PROGRAM_TABLE", programs)?;
        let sessions = Table::map(&ebpf, "SESSION_TABLE", SESSIONS)?;
        let mut maps = Maps::take(&mut ebpf)?;
        fill("FREE_SCOPES", &mut maps.free_scopes, 1..scopes.len())?;
        fill("FREE_PROGRAMS", &mut maps.free_programs, 0..programs.len())?;
        fill("FREE_SESSIONS", &mut maps.free_sessions, 0..sessions.len())?;
        // Diagnostics only: a full or missing log loses no fact.
        if let Ok(logger) = aya_log::EbpfLogger::init(&mut ebpf) {
            follow_log(logger);
        }
        let events = Events::follow(&mut ebpf)?;
        for (program, always) in PROGRAMS {
            if always || watch.denials {
                attach(&mut ebpf, program, &btf)?;
            }
        }
        // Kernels before 6.17 have no such tracepoint: the recording says that capabilities were
        // not observed.
        let capability_hook = match attach(&mut ebpf, CAPABILITY_PROGRAM, &btf) {
            Ok(()) => Some("tp_btf/cap_capable"),
            Err(error) => {
                log::debug!("capabilities are not observed: {error}");
                None
            }
        };
        Ok(Self {
            _ebpf: ebpf,
            maps,
            scopes,
            programs,
            sessions,
            capability_hook,
            events,
        })
    }

    /// The hook that capability checks are seen by; `None`: they are not observed.
    pub fn capability_hook(&self) -> Option<&'static str> {
        self.capability_hook
    }

    /// Watches a cgroup and all that will be made below it, from now on.
    pub fn watch(&mut self, cgroup: u64, boundary: Boundary) -> Result<ScopeId, ObserverError> {
        self.register(cgroup, boundary, false)
    }

    /// The same for one whose first program runs already: what joins from now on is an exec
    /// session. [`Observer::adopt`] takes in what is there.
    pub fn watch_running(
        &mut self,
        cgroup: u64,
        boundary: Boundary,
    ) -> Result<ScopeId, ObserverError> {
        self.register(cgroup, boundary, true)
    }

    /// A cgroup that lies below a watched one and was there before.
    pub fn watch_nested(&mut self, scope: ScopeId, cgroup: u64) -> Result<(), ObserverError> {
        self.maps
            .cgroups
            .insert(cgroup, scope.0, 0)
            .map_err(|source| map_error("CGROUP_TABLE", source))
    }

    /// Makes each cgroup that will be made in this one a scope of its own: [`Observer::scopes`]
    /// shows them.
    pub fn watch_children(&mut self, parent: u64, boundary: Boundary) -> Result<(), ObserverError> {
        self.maps
            .parents
            .insert(parent, boundary as u8, 0)
            .map_err(|source| map_error("PARENTS", source))
    }

    fn register(
        &mut self,
        cgroup: u64,
        boundary: Boundary,
        running: bool,
    ) -> Result<ScopeId, ObserverError> {
        let Ok(index) = self.maps.free_scopes.pop(0) else {
            return Err(ObserverError::NoScope(self.scopes.len()));
        };
        let mut scope = self.scopes.read(index);
        scope.cgroup = cgroup;
        scope.born_ns = boot_time_ns();
        scope.boundary = boundary as u8;
        scope.workload_began = running.into();
        scope.state = ScopeState::Watched as u8;
        // SAFETY: inside the mapping, and no cgroup leads to it yet.
        unsafe { self.scopes.at(index).write_volatile(scope) };
        self.maps
            .cgroups
            .insert(cgroup, index, 0)
            .map_err(|source| map_error("CGROUP_TABLE", source))?;
        Ok(ScopeId(index))
    }

    /// Every scope that is watched, those that have ended too, until they are released.
    pub fn scopes(&self) -> Vec<ScopeFacts> {
        (0..self.scopes.len())
            .filter(|&index| {
                // SAFETY: inside the mapping; one byte.
                let state = unsafe { (&raw const (*self.scopes.at(index)).state).read_volatile() };
                state == ScopeState::Watched as u8
            })
            .map(|index| scope_facts(ScopeId(index), &self.scopes.read(index)))
            .collect()
    }

    /// Waits until a call was seen for the first time, or a scope was born, began or ended; at
    /// once where that was so since the last time.
    pub async fn changed(&self) {
        self.events.changed().await;
    }

    /// How many first sights there were so far, and the last.
    pub fn newest(&self) -> (u64, Option<FirstSeen>) {
        self.events.newest()
    }

    /// How many capability checks and refused calls there are, which may be new without any call
    /// that is.
    pub fn checks_and_denials(&self) -> usize {
        self.maps.checks.keys().count() + self.maps.denials.keys().count()
    }

    /// The executable that a first sight names.
    pub fn executable(&self, seen: &FirstSeen) -> Vec<u8> {
        self.programs.read(seen.program).key.exe.to_vec()
    }

    /// Takes a scope for one that nobody asked about: from now on nothing of it is kept.
    /// [`Observer::release`] it once it has ended.
    pub fn drop_scope(&mut self, scope: ScopeId) {
        // SAFETY: inside the mapping; one byte.
        unsafe {
            (&raw mut (*self.scopes.at(scope.0)).state).write_volatile(ScopeState::Dropped as u8);
        }
    }

    /// Of dropped scopes, those whose cgroup is gone.
    pub fn dropped_and_ended(&self) -> Vec<ScopeId> {
        (0..self.scopes.len())
            .filter(|&index| {
                let scope = self.scopes.at(index);
                // SAFETY: inside the mapping; single words.
                unsafe {
                    (&raw const (*scope).state).read_volatile() == ScopeState::Dropped as u8
                        && (&raw const (*scope).ended_ns).read_volatile() != 0
                }
            })
            .map(ScopeId)
            .collect()
    }

    /// All that was seen of one scope so far.
    pub fn facts(&self, scope: ScopeId) -> Result<Facts, ObserverError> {
        let mut facts = self.facts_of(&[scope])?;
        Ok(facts.remove(&scope).unwrap_or_default())
    }

    /// The same of several, in one pass over the maps.
    pub fn facts_of(&self, scopes: &[ScopeId]) -> Result<Index<ScopeId, Facts>, ObserverError> {
        let losses = self.losses()?;
        let empty = || Facts {
            losses,
            ..Facts::default()
        };
        let mut found: Index<ScopeId, Facts> =
            scopes.iter().map(|scope| (*scope, empty())).collect();
        let mut programs = self.programs_of(scopes);
        for stray in self.maps.strays.keys() {
            let stray = stray.map_err(|source| map_error("STRAY_CALLS", source))?;
            if let Some((_, program)) = programs.get_mut(&stray.program)
                && let Some(abi) = Abi::from_index(stray.abi)
            {
                program.calls.push(SeenCall {
                    abi,
                    number: stray.number,
                });
            }
        }
        for entry in &self.maps.checks {
            let (key, seen) = entry.map_err(|source| map_error("CAPABILITY_CHECKS", source))?;
            if let Some((_, program)) = programs.get_mut(&key.program) {
                program.capabilities.push(CapabilitySighting { key, seen });
            }
        }
        for entry in &self.maps.denials {
            let (key, seen) = entry.map_err(|source| map_error("DENIALS", source))?;
            if let Some((_, program)) = programs.get_mut(&key.program) {
                program.denials.push(DenialSighting { key, seen });
            }
        }
        let mut programs: Vec<_> = programs.into_iter().collect();
        programs.sort_unstable_by_key(|(index, _)| *index);
        for (_, (scope, program)) in programs {
            if let Some(facts) = found.get_mut(&scope) {
                facts.programs.push(program);
            }
        }
        for index in 0..self.sessions.len() {
            let session = self.sessions.read(index);
            if let Some(facts) = found.get_mut(&ScopeId(session.scope)) {
                facts.sessions.push(SessionFacts {
                    id: index + 1,
                    argv: session.argv[..(session.len as usize).min(session.argv.len())].to_vec(),
                });
            }
        }
        Ok(found)
    }

    fn programs_of(&self, scopes: &[ScopeId]) -> Index<u32, (ScopeId, ProgramFacts)> {
        let wanted: HashSet<ScopeId> = scopes.iter().copied().collect();
        let mut found = Index::new();
        for index in 0..self.programs.len() {
            // SAFETY: inside the mapping; volatile, as the kernel may write it meanwhile: one that
            // turns up now is read now or the next time.
            let key = unsafe { (&raw const (*self.programs.at(index)).key).read_volatile() };
            let scope = ScopeId(key.scope);
            if !wanted.contains(&scope) {
                continue;
            }
            let Some(phase) = Phase::from_index(key.phase) else {
                continue;
            };
            let facts = ProgramFacts {
                phase,
                session: (key.session != 0).then_some(key.session),
                exe: key.exe.to_vec(),
                calls: self.calls(index),
                first_seen: self.events.of_program(index),
                capabilities: Vec::new(),
                denials: Vec::new(),
            };
            found.insert(index, (scope, facts));
        }
        found
    }

    fn calls(&self, program: u32) -> Vec<SeenCall> {
        let seen = self.programs.read(program).seen;
        let mut calls = Vec::new();
        for abi in Abi::ALL {
            calls.extend(
                (0..)
                    .zip(&seen[abi as usize])
                    .filter(|(_, seen)| **seen != 0)
                    .map(|(number, _)| SeenCall { abi, number }),
            );
        }
        calls
    }

    /// Gives up scopes that have ended, so that others find room. Their facts are gone.
    pub fn release(&mut self, scopes: &[ScopeId]) -> Result<(), ObserverError> {
        let programs: HashSet<u32> = self.programs_of(scopes).into_keys().collect();
        remove_where("STRAY_CALLS", &mut self.maps.strays, |key| {
            programs.contains(&key.program)
        })?;
        remove_where("CAPABILITY_CHECKS", &mut self.maps.checks, |key| {
            programs.contains(&key.program)
        })?;
        remove_where("DENIALS", &mut self.maps.denials, |key| {
            programs.contains(&key.program)
        })?;
        for index in programs {
            self.events.forget(index);
            let _ = self
                .maps
                .program_index
                .remove(&self.programs.read(index).key);
            self.programs.clear(index);
            let pushed = self.maps.free_programs.push(index, 0);
            pushed.map_err(|source| map_error("FREE_PROGRAMS", source))?;
        }
        let wanted: HashSet<u32> = scopes.iter().map(|scope| scope.0).collect();
        for index in 0..self.sessions.len() {
            let session = self.sessions.read(index);
            if wanted.contains(&session.scope) && self.maps.session_index.remove(&session).is_ok() {
                self.sessions.clear(index);
                let pushed = self.maps.free_sessions.push(index, 0);
                pushed.map_err(|source| map_error("FREE_SESSIONS", source))?;
            }
        }
        for scope in scopes {
            self.scopes.clear(scope.0);
            let pushed = self.maps.free_scopes.push(scope.0, 0);
            pushed.map_err(|source| map_error("FREE_SCOPES", source))?;
        }
        Ok(())
    }

    /// Of all scopes together.
    pub fn losses(&self) -> Result<LossCounts, ObserverError> {
        let count = |loss: Loss| -> Result<u64, ObserverError> {
            let per_cpu = self
                .maps
                .losses
                .get(&(loss as u32), 0)
                .map_err(|source| map_error("LOSSES", source))?;
            Ok(per_cpu.iter().sum())
        };
        Ok(LossCounts {
            events: count(Loss::Events)?,
            processes: count(Loss::Processes)?,
            stray_calls: count(Loss::StrayCalls)?,
            capability_checks: count(Loss::CapabilityChecks)?,
            cgroups: count(Loss::Cgroups)?,
            denials: count(Loss::Denials)?,
            in_flight: count(Loss::InFlight)?,
            programs: count(Loss::Programs)?,
            sessions: count(Loss::Sessions)?,
            scopes: count(Loss::Scopes)?,
        })
    }
}

fn scope_facts(id: ScopeId, scope: &Scope) -> ScopeFacts {
    let time = |ns: u64| (ns != 0).then_some(ns);
    let path = scope.path.split(|byte| *byte == 0).next();
    ScopeFacts {
        scope: id,
        path: path.unwrap_or_default().to_vec(),
        born_ns: scope.born_ns,
        began_ns: time(scope.began_ns),
        ended_ns: time(scope.ended_ns),
        began_with: time(scope.began_ns).map(|_| BeganWith {
            filtered: scope.filtered != 0,
            no_new_privileges: scope.no_new_privileges != 0,
            bounding_set: scope.bounding_set,
        }),
    }
}

fn fill(
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

fn remove_where<K: aya::Pod, V: aya::Pod>(
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

/// Nanoseconds of the clock that events are stamped with.
pub fn boot_time_ns() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
        .expect("Linux has had CLOCK_BOOTTIME since 2.6.39");
    std::time::Duration::from(now)
        .as_nanos()
        .try_into()
        .expect("five centuries since boot")
}

fn map_error(
    map: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> ObserverError {
    ObserverError::Map {
        map,
        source: Box::new(source),
    }
}

fn missing(name: &'static str) -> ObserverError {
    map_error(name, std::io::Error::from(std::io::ErrorKind::NotFound))
}

fn typed<M, T>(name: &'static str, map: Option<M>) -> Result<T, ObserverError>
where
    T: TryFrom<M, Error: std::error::Error + Send + Sync + 'static>,
{
    let map = map.ok_or_else(|| missing(name))?;
    T::try_from(map).map_err(|source| map_error(name, source))
}

fn attach(ebpf: &mut Ebpf, program: &'static str, btf: &Btf) -> Result<(), ObserverError> {
    let failed = |source| ObserverError::Program { program, source };
    let tracepoint: &mut BtfTracePoint = ebpf
        .program_mut(program)
        .expect("the committed object holds every program named here; a unit test looks")
        .try_into()
        .map_err(failed)?;
    tracepoint.load(program, btf).map_err(failed)?;
    tracepoint.attach().map_err(failed)?;
    Ok(())
}

fn follow_log(logger: aya_log::EbpfLogger<&'static dyn log::Log>) {
    // SAFETY: the logger keeps its map's descriptor open as long as it lives.
    let Ok(mut stream) = (unsafe { AsyncFd::register_with_interest(logger, Interest::READABLE) })
    else {
        return;
    };
    tokio::spawn(async move {
        while let Ok(mut ready) = stream.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{CAPABILITY_PROGRAM, PROGRAMS};

    #[test]
    fn the_committed_object_holds_every_program() {
        let object = String::from_utf8_lossy(super::OBJECT);
        for (program, _) in PROGRAMS.into_iter().chain([(CAPABILITY_PROGRAM, true)]) {
            assert!(
                object.contains(&format!("tp_btf/{program}")),
                "{program} is missing"
            );
        }
    }
}
