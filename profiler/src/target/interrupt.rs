//! SIGINT, SIGTERM, SIGHUP and SIGQUIT as a request to come to an end in good order.

use std::future::Future;
use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::Cause;
use tokio::sync::watch;

use crate::process_status;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    pub signal: i32,
    /// Ctrl-C: the terminal sent it to every process in the foreground, not to us alone
    /// (<https://github.com/torvalds/linux/blob/v6.18/drivers/tty/n_tty.c#L1043>).
    pub from_terminal: bool,
}

/// Where interruptions are heard of; each clone hears of all.
#[derive(Clone, Debug)]
pub struct Interrupts(watch::Receiver<Option<Interrupt>>);

#[derive(Clone, Debug)]
pub struct InterruptSender(watch::Sender<Option<Interrupt>>);

impl InterruptSender {
    pub fn send(&self, interrupt: Interrupt) {
        self.0.send_replace(Some(interrupt));
    }
}

impl Interrupts {
    /// Interruptions that the caller makes.
    pub fn channel() -> (InterruptSender, Self) {
        let (sender, receiver) = watch::channel(None);
        (InterruptSender(sender), Self(receiver))
    }

    /// Those of this process, which no longer die of these signals. What was ignored when we were
    /// started (`nohup`, a shell's background job) stays ignored.
    pub fn of_this_process() -> io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let ignored = process_status::mask(&status, "SigIgn").unwrap_or(0);
        let heeded = [SIGHUP, SIGINT, SIGQUIT, SIGTERM]
            .into_iter()
            .filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let mut signals = SignalsInfo::<WithOrigin>::new(heeded)?;
        let (sender, receiver) = Self::channel();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for origin in &mut signals {
                    sender.send(Interrupt {
                        signal: origin.signal,
                        from_terminal: origin.cause == Cause::Kernel,
                    });
                }
            })?;
        Ok(receiver)
    }

    /// Whether there was one, the last.
    pub fn heard(&self) -> Option<Interrupt> {
        *self.0.borrow()
    }

    /// Waits for one; at once where there was one already.
    pub async fn any(&self) -> Interrupt {
        let mut receiver = self.0.clone();
        let heard = receiver.wait_for(Option::is_some).await.map(|found| *found);
        match heard {
            Ok(Some(interrupt)) => interrupt,
            // Nobody is left to send one.
            _ => std::future::pending().await,
        }
    }

    /// Waits for the next that this clone has not been told of.
    pub(super) async fn next(&mut self) -> Interrupt {
        loop {
            if self.0.changed().await.is_err() {
                return std::future::pending().await;
            }
            if let Some(interrupt) = *self.0.borrow_and_update() {
                return interrupt;
            }
        }
    }

    /// The work's result, unless an interruption comes first: then the work is dropped.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupt> {
        tokio::select! {
            biased;
            interrupt = self.any() => Err(interrupt),
            done = work => Ok(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Interrupt, Interrupts};

    const TERM: Interrupt = Interrupt {
        signal: 15,
        from_terminal: false,
    };

    #[tokio::test]
    async fn work_ends_at_an_interruption() {
        let (sender, interrupts) = Interrupts::channel();
        assert_eq!(interrupts.unless(async { 1 }).await, Ok(1));
        assert_eq!(interrupts.heard(), None);
        sender.send(TERM);
        assert_eq!(
            interrupts.unless(std::future::pending::<()>()).await,
            Err(TERM)
        );
        // It stays so.
        assert_eq!(interrupts.unless(async { 1 }).await, Err(TERM));
        assert_eq!(interrupts.heard(), Some(TERM));
    }

    #[tokio::test]
    async fn the_second_one_is_heard_too() {
        let (sender, mut interrupts) = Interrupts::channel();
        sender.send(TERM);
        assert_eq!(interrupts.next().await, TERM);
        sender.send(TERM);
        assert_eq!(interrupts.next().await, TERM);
    }
}
