//! The terminal for what is written by a task.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Stream, write};

/// In place of [`tokio::io::stdout`] and [`tokio::io::stderr`], and like those: a write returns
/// once it is under way, a flush once it is done. A terminal that stands still stops no other task.
#[derive(Debug)]
pub struct Sink {
    stream: Stream,
    under_way: Option<JoinHandle<io::Result<()>>>,
}

impl Sink {
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            under_way: None,
        }
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().poll_flush(context))?;
        let (stream, bytes) = (self.stream, bytes.to_vec());
        let length = bytes.len();
        self.under_way = Some(spawn_blocking(move || write(stream, &bytes)));
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(under_way) = self.under_way.as_mut() else {
            return Poll::Ready(Ok(()));
        };
        let done = ready!(Pin::new(under_way).poll(context));
        self.under_way = None;
        Poll::Ready(done.unwrap_or_else(|stopped| Err(io::Error::other(stopped))))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
