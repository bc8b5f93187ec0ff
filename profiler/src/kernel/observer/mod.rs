//! Loads the programs, attaches them, watches cgroups, reads what was seen.

mod adopt;
mod arguments;
mod events;
mod hooks;
mod ids;
mod maps;
mod misses;
mod read;
mod scopes;
mod table;

use std::sync::LazyLock;

use aya::{Btf, Ebpf, EbpfLoader};
use profiler_common::{FirstSeen, IdWords, Loss, Program, SESSIONS, Scope, Session};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use self::events::Events;
use self::hooks::Attached;
use self::maps::{Maps, fill, map_error};
use self::table::Table;
use super::facts::LossCounts;
use super::symbols::SymbolsAhead;
use super::{OBJECT, PreflightError, Symbols, layout, preflight};

/// In the environment: the one capability hook to use, by its name in the recording.
const CAPABILITY_HOOK: &str = "PROFILER_CAPABILITY_HOOK";

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

    /// Calls whose arguments are noted, each of one program.
    fn noted(self) -> u32 {
        match self {
            Self::Few => 16_384,
            Self::Many => 65_536,
        }
    }

    /// Of their arguments: 3 MiB of kernel memory, or 12.
    fn combinations(self) -> u32 {
        match self {
            Self::Few => 32_768,
            Self::Many => 131_072,
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
    #[error("the kernel refused the BPF programs: {}", chain(&.0.0))]
    Load(Cause<aya::EbpfError>),
    #[error("the kernel refused the BPF program {program}: {}", chain(&.cause.0))]
    Program {
        program: &'static str,
        cause: Cause<aya::programs::ProgramError>,
    },
    #[error("cannot read the BPF map {map}: {}", chain(&*.cause.0))]
    Map {
        map: &'static str,
        cause: Cause<Box<dyn std::error::Error + Send + Sync>>,
    },
    #[error("cannot read how often the kernel did not run a BPF program: {0}")]
    Misses(std::io::Error),
    #[error("{0} scopes are watched already, the most at once")]
    NoScope(u32),
    #[error(
        "the id of process {0} is larger than kernel.pid_max was when watching began: start again"
    )]
    Id(u32),
}

/// No source that would be told a second time, with the verifier's whole log.
#[derive(Debug)]
pub struct Cause<E>(E);

impl From<aya::EbpfError> for ObserverError {
    fn from(error: aya::EbpfError) -> Self {
        Self::Load(Cause(error))
    }
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
    /// Holds most of the attachments.
    ebpf: Ebpf,
    maps: Maps,
    scopes: Table<Scope>,
    programs: Table<Program>,
    /// By process id.
    program_of: Table<IdWords>,
    sessions: Table<Session>,
    capability_hook: Option<Attached>,
    sees_ports: bool,
    events: Events,
    symbols: LazyLock<Symbols, Box<dyn FnOnce() -> Symbols + Send>>,
}

impl Observer {
    /// Must be called inside a tokio runtime, which reads the events.
    pub fn load(watch: Watch) -> Result<Self, ObserverError> {
        preflight::preflight()?;
        let symbols = SymbolsAhead::begin();
        // The kernel's BTF is read by three that cannot share it.
        let (layout, btf, mut loader) = std::thread::scope(|threads| {
            let layout = threads.spawn(layout::running);
            let btf = threads.spawn(Btf::from_sys_fs);
            let loader = EbpfLoader::new();
            (joined(layout), joined(btf), loader)
        });
        let layout = layout?;
        let btf = btf.map_err(aya::EbpfError::from)?;
        log::debug!("kernel fields are found");
        let denials = u8::from(watch.denials);
        let may_read_strings = preflight::may_read_strings();
        let read_strings = u8::from(may_read_strings);
        let (scopes, programs) = (watch.capacity.scopes(), watch.capacity.programs());
        let ids = ids::elements();
        let mut ebpf = loader
            .btf(Some(&btf))
            .override_global("LAYOUT", &layout, true)
            .override_global("DENIALS_WATCHED", &denials, true)
            .override_global("READ_STRINGS", &read_strings, true)
            .map_max_entries("SCOPE_TABLE", scopes)
            .map_max_entries("FREE_SCOPES", scopes)
            .map_max_entries("PROGRAM_OF", ids)
            .map_max_entries("IN_FLIGHT", if watch.denials { ids } else { 1 })
            .map_max_entries("PROGRAM_TABLE", programs)
            .map_max_entries("PROGRAM_INDEX", programs)
            .map_max_entries("FREE_PROGRAMS", programs)
            .map_max_entries("CAPABILITY_CHECKS", watch.capacity.capability_checks())
            .map_max_entries("NOTED", watch.capacity.noted())
            .map_max_entries("COMBINATION_TABLE", watch.capacity.combinations())
            .load(OBJECT)?;
        arguments::fill_catalogue(&mut ebpf)?;
        let scopes = Table::map(&ebpf, "SCOPE_TABLE", scopes)?;
        let programs = Table::map(&ebpf, "PROGRAM_TABLE", programs)?;
        let program_of = Table::map(&ebpf, "PROGRAM_OF", ids)?;
        let sessions = Table::map(&ebpf, "SESSION_TABLE", SESSIONS)?;
        let mut maps = Maps::take(&mut ebpf)?;
        fill("FREE_SCOPES", &mut maps.free_scopes, 1..scopes.len())?;
        fill("FREE_PROGRAMS", &mut maps.free_programs, 1..programs.len())?;
        fill("FREE_SESSIONS", &mut maps.free_sessions, 0..sessions.len())?;
        // Diagnostics only: a full or missing log loses no fact.
        if let Ok(logger) = aya_log::EbpfLogger::init(&mut ebpf) {
            follow_log(logger);
        }
        let events = Events::follow(&mut ebpf)?;
        log::debug!("BPF maps are made");
        hooks::attach_all(&mut ebpf, &btf, watch.denials)?;
        let wanted = std::env::var(CAPABILITY_HOOK).ok();
        let capability_hook = hooks::attach_capabilities(&mut ebpf, &btf, wanted.as_deref());
        log::debug!("BPF programs are attached");
        Ok(Self {
            ebpf,
            maps,
            scopes,
            programs,
            program_of,
            sessions,
            capability_hook,
            sees_ports: may_read_strings,
            events,
            symbols: LazyLock::new(Box::new(|| {
                symbols.map(SymbolsAhead::finish).unwrap_or_default()
            })),
        })
    }

    /// The hook that capability checks are seen by; `None`: they are not observed.
    pub fn capability_hook(&self) -> Option<&'static str> {
        self.capability_hook.as_ref().map(Attached::name)
    }

    /// Whether the kernel counts the checks that it did not show that hook.
    pub fn counts_unshown_checks(&self) -> bool {
        let hook = self.capability_hook.as_ref();
        hook.is_some_and(Attached::counts_misses)
    }

    /// Whether ports that are bound are seen: they lie in the memory of the process.
    pub fn sees_ports(&self) -> bool {
        self.sees_ports
    }

    /// Of the kernel, as it was when they were first asked for.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
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

    /// How many facts there are that may be new without any call that is: capability checks,
    /// refused calls, combinations of arguments.
    pub fn without_events(&self) -> u64 {
        let checks = self.maps.checks.keys().count() + self.maps.denials.keys().count();
        let noted = self.maps.noted.iter().flatten();
        let arguments: u64 = noted.map(|(_, seen)| seen.count + seen.overflowed).sum();
        checks as u64 + arguments
    }

    /// The executable that a first sight names.
    pub fn executable(&self, seen: &FirstSeen) -> Vec<u8> {
        self.programs.read(seen.program).key.exe.to_vec()
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
            capability_checks: count(Loss::CapabilityChecks)? + self.unshown_checks()?,
            cgroups: count(Loss::Cgroups)?,
            denials: count(Loss::Denials)?,
            in_flight: count(Loss::InFlight)?,
            programs: count(Loss::Programs)?,
            sessions: count(Loss::Sessions)?,
            scopes: count(Loss::Scopes)?,
            low_ports: count(Loss::LowPorts)?,
            arguments: count(Loss::Arguments)?,
            unshown: hooks::missed(&self.ebpf).map_err(ObserverError::Misses)?,
        })
    }
}

/// What a thread came to; its panic goes on here.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// After it a check's verdict comes no more: none takes so long.
const VERDICT_NS: u64 = 1_000_000_000;

impl Observer {
    /// Checks, or their verdicts, that the kernel did not show the capability hook.
    fn unshown_checks(&self) -> Result<u64, ObserverError> {
        let Some(hook) = &self.capability_hook else {
            return Ok(0);
        };
        let in_flight = self.maps.checks_in_flight.iter().flatten();
        let before = boot_time_ns().saturating_sub(VERDICT_NS);
        let overdue = in_flight.filter(|(_, check)| check.entered_ns < before);
        let missed = hook.missed(&self.ebpf).map_err(ObserverError::Misses)?;
        Ok(overdue.count() as u64 + missed)
    }
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
