//! Loads the programs, attaches them, watches cgroups, reads what was seen.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::{Arc, Mutex};

use aya::maps::{HashMap, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::BtfTracePoint;
use aya::{Btf, Ebpf, EbpfLoader};
use memmap2::{MmapOptions, MmapRaw};
use profiler_common::{
    Abi, CapabilityKey, CapabilitySeen, DenialKey, DenialSeen, FirstSeen, Loss, Phase, SLOTS, Slot,
    StrayCall,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::facts::{CapabilitySighting, DenialSighting, Facts, LossCounts, SeenCall};
use super::{OBJECT, PreflightError, layout, preflight};

/// What the programs are attached for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Record,
    /// Denials are watched too, at the cost of a second tracepoint on every call.
    Verify,
}

/// One watched scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotId(u32);

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
    #[error("{SLOTS} scopes are watched already, the most at once")]
    NoSlot,
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
    ebpf: Ebpf,
    slots: MmapRaw,
    watched: u32,
    capability_hook: Option<&'static str>,
    first_seen: Arc<Mutex<Vec<FirstSeen>>>,
    drain: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// Program, and whether it is attached while recording (else while verifying only).
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
    /// Must be called inside a tokio runtime, which drains the events.
    pub fn load(purpose: Purpose) -> Result<Self, ObserverError> {
        preflight::preflight()?;
        let layout = layout::running()?;
        let btf = Btf::from_sys_fs().map_err(aya::EbpfError::from)?;
        let verify = u8::from(purpose == Purpose::Verify);
        let read_strings = u8::from(preflight::may_read_strings());
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&btf))
            .override_global("LAYOUT", &layout, true)
            .override_global("VERIFY", &verify, true)
            .override_global("READ_STRINGS", &read_strings, true)
            .load(OBJECT)?;
        let slots = map_slots(&ebpf)?;
        // Diagnostics only: a full or missing log loses no fact.
        if let Ok(logger) = aya_log::EbpfLogger::init(&mut ebpf) {
            follow_log(logger);
        }
        for (program, always) in PROGRAMS {
            if always || purpose == Purpose::Verify {
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
        let first_seen = Arc::default();
        let drain = follow_events(&mut ebpf, Arc::clone(&first_seen))?;
        Ok(Self {
            ebpf,
            slots,
            watched: 0,
            capability_hook,
            first_seen,
            drain: Some(drain),
        })
    }

    /// The hook that capability checks are seen by; `None`: they are not observed.
    pub fn capability_hook(&self) -> Option<&'static str> {
        self.capability_hook
    }

    /// Watches a cgroup and all that will be made below it, from now on.
    ///
    /// `behind_filter_only`: only calls that face a seccomp filter count.
    pub fn watch(
        &mut self,
        cgroup: u64,
        behind_filter_only: bool,
    ) -> Result<SlotId, ObserverError> {
        if self.watched == SLOTS {
            return Err(ObserverError::NoSlot);
        }
        let slot = self.watched;
        // SAFETY: the slot lies inside the mapping and no scope leads to it yet; a single byte.
        unsafe {
            (&raw mut (*self.slot(slot)).behind_filter_only)
                .write_volatile(behind_filter_only.into());
        }
        let map = self.ebpf.map_mut("SCOPES");
        let mut scopes: HashMap<_, u64, u32> = typed("SCOPES", map)?;
        scopes
            .insert(cgroup, slot, 0)
            .map_err(|source| map_error("SCOPES", source))?;
        self.watched += 1;
        Ok(SlotId(slot))
    }

    /// All that was seen so far.
    pub fn facts(&self, slot: SlotId) -> Result<Facts, ObserverError> {
        let strays: HashMap<_, StrayCall, u8> = typed("STRAY_CALLS", self.ebpf.map("STRAY_CALLS"))?;
        let checks: HashMap<_, CapabilityKey, CapabilitySeen> =
            typed("CAPABILITY_CHECKS", self.ebpf.map("CAPABILITY_CHECKS"))?;
        let denials: HashMap<_, DenialKey, DenialSeen> =
            typed("DENIALS", self.ebpf.map("DENIALS"))?;

        let mut calls = self.calls(slot);
        for stray in strays.keys() {
            let stray = stray.map_err(|source| map_error("STRAY_CALLS", source))?;
            if stray.slot == slot.0
                && let (Some(abi), Some(phase)) =
                    (Abi::from_index(stray.abi), Phase::from_index(stray.phase))
            {
                calls.push(SeenCall {
                    abi,
                    phase,
                    number: stray.number,
                });
            }
        }
        let mut facts = Facts {
            calls,
            losses: self.losses()?,
            ..Facts::default()
        };
        for entry in &checks {
            let (key, seen) = entry.map_err(|source| map_error("CAPABILITY_CHECKS", source))?;
            if key.slot == slot.0 {
                facts.capabilities.push(CapabilitySighting { key, seen });
            }
        }
        for entry in &denials {
            let (key, seen) = entry.map_err(|source| map_error("DENIALS", source))?;
            if key.slot == slot.0 {
                facts.denials.push(DenialSighting { key, seen });
            }
        }
        facts.first_seen = self
            .first_seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .iter()
            .filter(|event| event.slot == slot.0)
            .copied()
            .collect();
        Ok(facts)
    }

    /// The same, once the last event has been read: for the end of a run.
    pub async fn final_facts(&mut self, slot: SlotId) -> Result<Facts, ObserverError> {
        if let Some((stop, drained)) = self.drain.take() {
            // Gone already means drained already.
            let _ = stop.send(());
            let _ = drained.await;
        }
        self.facts(slot)
    }

    fn slot(&self, slot: u32) -> *mut Slot {
        // SAFETY: `map_slots` mapped SLOTS elements, and ids come from `watch`, below SLOTS.
        unsafe { self.slots.as_mut_ptr().cast::<Slot>().add(slot as usize) }
    }

    fn calls(&self, slot: SlotId) -> Vec<SeenCall> {
        // SAFETY: inside the mapping; volatile, as the kernel stores while we read. A byte that
        // turns 1 meanwhile is read now or the next time.
        let seen = unsafe { (&raw const (*self.slot(slot.0)).seen).read_volatile() };
        let mut calls = Vec::new();
        for phase in Phase::ALL {
            for abi in Abi::ALL {
                let set = &seen[phase as usize][abi as usize];
                calls.extend(
                    (0..)
                        .zip(set)
                        .filter(|(_, seen)| **seen != 0)
                        .map(|(number, _)| SeenCall { abi, phase, number }),
                );
            }
        }
        calls
    }

    fn losses(&self) -> Result<LossCounts, ObserverError> {
        let counters: PerCpuArray<_, u64> = typed("LOSSES", self.ebpf.map("LOSSES"))?;
        let count = |loss: Loss| -> Result<u64, ObserverError> {
            let per_cpu = counters
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
        })
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

fn map_error(
    map: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> ObserverError {
    ObserverError::Map {
        map,
        source: Box::new(source),
    }
}

fn typed<M, T>(name: &'static str, map: Option<M>) -> Result<T, ObserverError>
where
    T: TryFrom<M, Error: std::error::Error + Send + Sync + 'static>,
{
    let map =
        map.ok_or_else(|| map_error(name, std::io::Error::from(std::io::ErrorKind::NotFound)))?;
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

fn map_slots(ebpf: &Ebpf) -> Result<MmapRaw, ObserverError> {
    const NAME: &str = "SLOT_TABLE";
    let Some(Map::Array(data)) = ebpf.map(NAME) else {
        return Err(map_error(
            NAME,
            std::io::Error::from(std::io::ErrorKind::NotFound),
        ));
    };
    MmapOptions::new()
        .len(SLOTS as usize * size_of::<Slot>())
        .map_raw(data.fd().as_fd().as_raw_fd())
        .map_err(|source| map_error(NAME, source))
}

type EventStream = AsyncFd<RingBuf<MapData>>;

fn follow_events(
    ebpf: &mut Ebpf,
    into: Arc<Mutex<Vec<FirstSeen>>>,
) -> Result<(oneshot::Sender<()>, JoinHandle<()>), ObserverError> {
    const NAME: &str = "EVENTS";
    let ring: RingBuf<MapData> = typed(NAME, ebpf.take_map(NAME))?;
    // SAFETY: the ring buffer keeps its map's descriptor open as long as it lives.
    let mut stream = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) }
        .map_err(|error| map_error(NAME, std::io::Error::from(error)))?;
    let (stop, mut stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        loop {
            tokio::select! {
                ready = stream.readable_mut() => {
                    let Ok(mut ready) = ready else { break };
                    ready.clear_ready();
                    drop(ready);
                    drain(&mut stream, &into);
                }
                _ = &mut stopped => break,
            }
        }
        drain(&mut stream, &into);
    });
    Ok((stop, task))
}

fn drain(stream: &mut EventStream, into: &Mutex<Vec<FirstSeen>>) {
    let mut into = into
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    while let Some(event) = stream.get_mut().next() {
        if event.len() == size_of::<FirstSeen>() {
            // SAFETY: the length is right, every bit pattern is valid, and the read needs no
            // alignment.
            into.push(unsafe { event.as_ptr().cast::<FirstSeen>().read_unaligned() });
        }
    }
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
