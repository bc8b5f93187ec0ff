//! Containers of our own, on a real engine: that they come up, are followed, end in the ordinary
//! way, and leave nothing behind. The docker command is the oracle.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests too")]

mod events;
mod facts;
mod leftovers;
mod life;
mod options;
mod others;
mod running;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use profiler::cli::RunOptions;
use profiler::target::Session;
use profiler::target::engine::{ContainerSpec, Engine};
use profiler_tests::docker;

/// `cargo xtask images` makes it.
const IMAGE: &str = "profiler-test/busybox";
const OPEN: &str = r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#;
/// Deaf to SIGTERM as any process 1 without a handler; says what happens to it.
const SERVICE: &str = "trap 'echo asked to stop; exit 3' TERM; echo out; echo err >&2; \
                       while :; do sleep 0.05; done";

/// What one test runs: a container of its own name.
struct Subject {
    session: Session,
    name: String,
    options: RunOptions,
    arguments: Vec<String>,
    seccomp: Option<&'static str>,
    cgroup_parent: Option<String>,
}

impl Subject {
    fn new(arguments: &[&str]) -> Self {
        let session = Session::new();
        Self {
            name: session.name(1),
            session,
            options: RunOptions::default(),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            seccomp: None,
            cgroup_parent: None,
        }
    }

    fn shell(script: &str) -> Self {
        Self::new(&["sh", "-c", script])
    }

    fn spec(&self) -> ContainerSpec<'_> {
        ContainerSpec {
            image: IMAGE,
            options: &self.options,
            arguments: &self.arguments,
            seccomp: self.seccomp,
            cgroup_parent: self.cgroup_parent.as_deref(),
            name: &self.name,
            session: self.session.id(),
        }
    }

    /// By our label, whatever its state.
    fn is_there(&self) -> bool {
        let label = format!("label=profiler.session={}", self.session.id());
        !docker(&["ps", "-aq", "--filter", &label]).is_empty()
    }
}

/// Where a test takes a container's log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    async fn until_it_says(&self, part: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.text().contains(part) {
            assert!(
                Instant::now() < deadline,
                "no {part:?} in {:?}",
                self.text()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl tokio::io::AsyncWrite for Log {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn engine() -> Engine {
    Engine::connect().await.unwrap()
}
