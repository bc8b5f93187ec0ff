//! The ring buffers: who made a call first, and that something has changed.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aya::Ebpf;
use aya::maps::{MapData, RingBuf};
use profiler_common::FirstSeen;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use super::ObserverError;
use super::maps::{map_error, typed};

/// Reads both rings as they fill, for as long as it lives.
pub(super) struct Events {
    state: Arc<State>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

struct State {
    first_seen: Mutex<FirstSeenRing>,
    changed: Notify,
}

struct FirstSeenRing {
    ring: RingBuf<MapData>,
    by_program: HashMap<u32, Vec<FirstSeen>>,
    count: u64,
    newest: Option<FirstSeen>,
}

impl Events {
    /// Must be called inside a tokio runtime.
    pub(super) fn follow(ebpf: &mut Ebpf) -> Result<Self, ObserverError> {
        let ring: RingBuf<MapData> = typed("EVENTS", ebpf.take_map("EVENTS"))?;
        let descriptor = ring.as_raw_fd();
        let state = Arc::new(State {
            first_seen: Mutex::new(FirstSeenRing {
                ring,
                by_program: HashMap::new(),
                count: 0,
                newest: None,
            }),
            changed: Notify::new(),
        });
        let stream = readable("EVENTS", Borrowed(descriptor, Arc::clone(&state)))?;
        let first_seen = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok(mut ready) = stream.readable().await {
                    ready.clear_ready();
                    state.lock().drain();
                    state.changed.notify_one();
                }
            }
        });
        let ring: RingBuf<MapData> = typed("SCOPE_EVENTS", ebpf.take_map("SCOPE_EVENTS"))?;
        let mut stream = readable("SCOPE_EVENTS", ring)?;
        let scopes = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok(mut ready) = stream.readable_mut().await {
                    ready.clear_ready();
                    // What happened stands in the scope table.
                    while ready.get_inner_mut().next().is_some() {}
                    state.changed.notify_one();
                }
            }
        });
        Ok(Self {
            state,
            tasks: [first_seen, scopes],
        })
    }

    /// Returns once something new was seen since the last time.
    pub(super) async fn changed(&self) {
        self.state.changed.notified().await;
    }

    /// All that the kernel has sent so far, by program.
    pub(super) fn of_program(&self, program: u32) -> Vec<FirstSeen> {
        let mut ring = self.state.lock();
        ring.drain();
        ring.by_program.get(&program).cloned().unwrap_or_default()
    }

    pub(super) fn forget(&self, program: u32) {
        let mut ring = self.state.lock();
        ring.drain();
        ring.by_program.remove(&program);
    }

    /// How many there were, and the last.
    pub(super) fn newest(&self) -> (u64, Option<FirstSeen>) {
        let ring = self.state.lock();
        (ring.count, ring.newest)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, FirstSeenRing> {
        self.first_seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl FirstSeenRing {
    fn drain(&mut self) {
        while let Some(event) = self.ring.next() {
            if event.len() != size_of::<FirstSeen>() {
                continue;
            }
            // SAFETY: the length is right, every bit pattern is valid, and the read needs no
            // alignment.
            let event = unsafe { event.as_ptr().cast::<FirstSeen>().read_unaligned() };
            self.by_program
                .entry(event.program)
                .or_default()
                .push(event);
            self.count += 1;
            self.newest = Some(event);
        }
    }
}

/// The descriptor of a ring that lies behind the lock.
struct Borrowed(
    RawFd,
    #[expect(dead_code, reason = "keeps the ring open")] Arc<State>,
);

impl AsRawFd for Borrowed {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

fn readable<T: AsRawFd>(name: &'static str, ring: T) -> Result<AsyncFd<T>, ObserverError> {
    // SAFETY: a ring buffer keeps its map's descriptor open as long as it lives, and so does what
    // borrows it.
    unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) }
        .map_err(|error| map_error(name, std::io::Error::from(error)))
}
