//! What a person sees while it records: a live line on a terminal, a line a state change elsewhere.
//!
//! Never makes the recorder wait for a terminal that stands still (Ctrl-S): all drawing is a
//! thread's.

mod line;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use line::Snapshot;

use crate::terminal::{self, LiveLine};

/// Between two looks of the spinner: drawing every 100 ms takes 0.4 % of a core (debug build).
const TICK: Duration = Duration::from_millis(200);

/// Shown until it is finished or dropped.
#[derive(Debug)]
pub struct Progress(Option<Drawing>);

#[derive(Debug)]
struct Drawing {
    states: Sender<String>,
    /// The last counts that there are. Not sent, so that they pile up before no terminal.
    found: Arc<Mutex<Snapshot>>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// A live line where standard error is a terminal and `quiet` does not forbid it. Has to be
    /// made before the test is run, whose output gives way to it.
    pub fn new(quiet: bool) -> Self {
        if quiet {
            return Self(None);
        }
        Self(LiveLine::show().and_then(|live| {
            let (states, said) = mpsc::channel();
            let found = Arc::new(Mutex::new(Snapshot::default()));
            let shown = Arc::clone(&found);
            let thread = std::thread::Builder::new().name("progress".into());
            // Without a thread there is no live line, and all is said as on no terminal.
            let thread = thread.spawn(move || draw(&live, &said, &shown)).ok()?;
            Some(Drawing {
                states,
                found,
                thread,
            })
        }))
    }

    /// A change of state, as a line that stays. Escaped already.
    pub fn state(&self, line: &str) {
        match &self.0 {
            Some(drawing) => {
                let _ = drawing.states.send(line.to_owned());
            }
            None => terminal::say(line),
        }
    }

    /// Whether anybody sees what [`Progress::update`] tells.
    pub fn is_live(&self) -> bool {
        self.0.is_some()
    }

    /// The live line's; where there is none, nothing is shown.
    pub fn update(&self, snapshot: Snapshot) {
        if let Some(drawing) = &self.0 {
            *lock(&drawing.found) = snapshot;
        }
    }

    /// Returns when all is shown that was said, and the live line is gone.
    pub fn finish(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(Drawing { states, thread, .. }) = self.0.take() {
            drop(states);
            // It panics where the library does; the recording matters more.
            let _ = thread.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Until nobody can say any more.
fn draw(live: &LiveLine, states: &Receiver<String>, found: &Mutex<Snapshot>) {
    let started = Instant::now();
    loop {
        let now = Instant::now();
        // Drawn without the lock, which the recorder wants too.
        let text = line::line(&lock(found), now - started, now);
        live.draw(text);
        match states.recv_timeout(TICK) {
            Ok(state) => terminal::say(&state),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn lock(found: &Mutex<Snapshot>) -> MutexGuard<'_, Snapshot> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}
