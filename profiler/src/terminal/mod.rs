//! The one terminal that a live line, our diagnostics, a test and a container's log share.
//!
//! While there is a live line, whatever else is shown goes through here, above it, byte for byte.
//! Makes up no text, and writes no escape code where no live line is.

mod screen;
mod sink;

pub use sink::Sink;

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressDrawTarget;

use screen::Screen;

/// A process has one standard error; the logger, too, is one for all.
static SCREEN: Mutex<Option<Screen>> = Mutex::new(None);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    /// Whether what is written to it would tear a live line that is there now.
    pub fn tears(self) -> bool {
        let terminal = match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        };
        terminal && screen().is_some()
    }

    fn write(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            Self::Stderr => io::stderr().write_all(bytes),
        }
    }
}

/// Writes all of it, above the live line where there is one. A line that these bytes leave open
/// hides the live line until it is closed. Waits as long as the terminal does (Ctrl-S).
pub fn write(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match screen().as_mut() {
        Some(screen) => screen.pass(bytes, || stream.write(bytes)),
        None => stream.write(bytes),
    }
}

/// `profiler: LINE` on standard error. What comes from outside must be escaped already
/// (`recording::Text`). Where nobody takes it, it is lost.
pub fn say(line: &str) {
    let line = format!("profiler: {line}\n");
    let _ = match screen().as_mut() {
        Some(screen) => screen.pass_line(|open| {
            let close = if open { "\n" } else { "" };
            Stream::Stderr.write(format!("{close}{line}").as_bytes())
        }),
        None => Stream::Stderr.write(line.as_bytes()),
    };
}

/// Standard error for a logger that writes whole lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match screen().as_mut() {
            Some(screen) => screen.pass_line(|open| {
                if open {
                    Stream::Stderr.write(b"\n")?;
                }
                Stream::Stderr.write(bytes)
            })?,
            None => Stream::Stderr.write(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One line at the bottom of the terminal, until it is dropped. One at a time.
#[derive(Debug)]
pub struct LiveLine(());

impl LiveLine {
    /// `None` where standard error is no terminal, or one that cannot move its cursor.
    pub fn show() -> Option<Self> {
        let target = ProgressDrawTarget::stderr();
        if target.is_hidden() {
            return None;
        }
        *screen() = Some(Screen::new(target));
        Some(Self(()))
    }

    /// Cut to the terminal's width; escaped already, as in [`say`].
    pub fn draw(&self, text: String) {
        if let Some(screen) = screen().as_mut() {
            screen.draw(text);
        }
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        if let Some(mut screen) = screen().take() {
            let _ = screen.leave(|| Stream::Stderr.write(b"\n"));
        }
    }
}

/// Whoever panicked with it left at worst a line that is drawn again.
fn screen() -> MutexGuard<'static, Option<Screen>> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}
