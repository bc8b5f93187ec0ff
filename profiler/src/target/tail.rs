//! What is printed where nobody looks: the last of it is kept, to tell why something failed.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// More than a service prints in a test.
const KEPT: usize = 256 << 10;

/// The last of what is written to it; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    /// The last line that is not empty.
    pub fn last_line(&self) -> Option<String> {
        let text = self.to_string();
        let mut lines = text.lines().map(str::trim).rev();
        lines.find(|line| !line.is_empty()).map(str::to_owned)
    }

    /// The last line that has one of these in it.
    pub fn last_line_with(&self, words: &[&str]) -> Option<String> {
        let text = self.to_string();
        let mut lines = text.lines().map(str::trim).rev();
        lines
            .find(|line| words.iter().any(|word| line.contains(word)))
            .map(str::to_owned)
    }

    fn bytes(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Tail {
    /// As it is: whoever shows it escapes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.bytes().make_contiguous()))
    }
}

impl AsyncWrite for Tail {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        written: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut bytes = self.bytes();
        bytes.extend(written);
        let surplus = bytes.len().saturating_sub(KEPT);
        bytes.drain(..surplus);
        Poll::Ready(Ok(written.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Tail};
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn the_last_of_it_is_kept() {
        let tail = Tail::default();
        assert_eq!(tail.last_line(), None);
        let mut writer = tail.clone();
        writer.write_all(b"first\nlast\n\n").await.unwrap();
        assert_eq!(tail.last_line().as_deref(), Some("last"));
        let found = |word: &str| tail.last_line_with(&["nowhere", word]);
        assert_eq!(found("irs").as_deref(), Some("first"));
        assert_eq!(found("other"), None);
        writer.write_all(&vec![b'x'; KEPT]).await.unwrap();
        assert_eq!(tail.to_string().len(), KEPT);
    }
}
