//! The signals that ask us to end, told apart by where they came from.
//!
//! While a [`Signals`] lives, and ever after, they no longer end this process: there is a
//! recording to write and a cgroup to remove. What is ignored when it starts (SIGHUP under nohup,
//! SIGINT in a shell's background) stays ignored, so that our children inherit that too.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::exfiltrator::origin::Origin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::Cause;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const ENDING: [libc::c_int; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

pub struct Signals {
    handle: Handle,
    received: UnboundedReceiver<Received>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    pub signal: libc::c_int,
    /// A terminal's Ctrl-C, Ctrl-\ or hang-up, which the kernel sends to the whole foreground
    /// process group: our children have it already
    /// (<https://github.com/torvalds/linux/blob/v6.18/drivers/tty/n_tty.c#L1043>).
    pub by_terminal: bool,
}

impl Signals {
    pub fn listen() -> io::Result<Self> {
        let heeded = ENDING.iter().copied().filter(|&signal| !ignored(signal));
        let mut signals = SignalsInfo::<WithOrigin>::new(heeded)?;
        let handle = signals.handle();
        let (sender, received) = unbounded_channel();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for origin in signals.forever() {
                    // Fails once the receiver is gone, and then `handle` ends the loop too.
                    let _ = sender.send(origin.into());
                }
            })?;
        Ok(Self { handle, received })
    }

    /// The next one; never returns where all of them are ignored.
    pub async fn next(&mut self) -> Received {
        match self.received.recv().await {
            Some(received) => received,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl From<Origin> for Received {
    fn from(origin: Origin) -> Self {
        Self {
            signal: origin.signal,
            by_terminal: origin.cause == Cause::Kernel,
        }
    }
}

fn ignored(signal: libc::c_int) -> bool {
    // SAFETY: an all-zero sigaction is a valid place to write to.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only asks; the place outlives the call.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}
