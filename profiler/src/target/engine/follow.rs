//! What a container prints, passed on as it comes.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error as ApiError;
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinHandle;

/// How long the rest of the log may take after the container has ended.
const REST: Duration = Duration::from_secs(5);

pub(super) type Output = std::pin::Pin<Box<dyn Stream<Item = Result<LogOutput, ApiError>> + Send>>;

/// Ends with the container; dropped, it stops.
#[derive(Debug)]
pub(super) struct Follower(JoinHandle<()>);

impl Follower {
    pub(super) fn follow<W>(output: Output, sink: W) -> Self
    where
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Self(tokio::spawn(copy(output, sink)))
    }

    /// Waits until all of it is written. The container has ended, so this is soon, unless
    /// whoever reads our output does not.
    pub(super) async fn finish(&mut self) {
        if tokio::time::timeout(REST, &mut self.0).await.is_err() {
            self.0.abort();
            log::warn!("the last of the container's log was not written: nobody takes it");
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Both streams into one, byte for byte, as `docker run 2>&1` has them.
pub(super) async fn copy<W: AsyncWrite + Unpin>(mut output: Output, mut sink: W) {
    let mut open = true;
    while let Some(chunk) = output.next().await {
        match chunk {
            // Read on after a failed write: a container that cannot print would stand still.
            Ok(chunk) if open => {
                let written = async {
                    sink.write_all(chunk.as_ref()).await?;
                    sink.flush().await
                };
                open = written.await.is_ok();
            }
            Ok(_) => {}
            Err(error) => {
                log::warn!("the container's log ends early: {error}");
                return;
            }
        }
    }
}
