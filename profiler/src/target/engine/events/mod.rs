//! What happens to containers, as the engine tells it, from before a moment on.
//!
//! The engine keeps its last 256 events, and forgets them when it restarts: what it still has is
//! asked for again after a lost connection, and what it has not is to be found by the list of
//! containers that comes with the new one.

mod seen;
mod translate;

use std::time::{Duration, SystemTime};

use bollard::Docker;
use bollard::errors::Error as ApiError;
use bollard::models::EventMessage;
use bollard::query_parameters::{EventsOptions, EventsOptionsBuilder};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use translate::{Action, ContainerEvent, Exec};

use super::error::describe;
use super::list::{ListedContainer, list};
use super::{Engine, EngineError, HELLO};
use crate::recording::Text;
use seen::Seen;
use translate::translate;

/// Between attempts to find the engine again: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    Container(ContainerEvent),
    /// The engine is away; it is tried again until it is back.
    Disconnected {
        reason: Text,
    },
    /// It is back, with these containers, whatever their state. What it remembers of the time
    /// between comes next, and may tell again what the list shows already.
    Reconnected {
        containers: Vec<ListedContainer>,
    },
}

/// Ends when it is dropped.
#[derive(Debug)]
pub struct EventStream {
    events: UnboundedReceiver<EngineEvent>,
    follower: JoinHandle<()>,
}

impl EventStream {
    /// Each event once, in the engine's order. Cancel-safe: given up, nothing is lost. Waits for
    /// ever where nothing happens.
    pub async fn next(&mut self) -> EngineEvent {
        match self.events.recv().await {
            Some(event) => event,
            // The follower ends with the runtime only.
            None => std::future::pending().await,
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Engine {
    /// Of all containers, from before this returns on.
    pub async fn events(&self) -> Result<EventStream, EngineError> {
        // An engine whose containers we can watch shares our clock.
        let begin = nanoseconds(SystemTime::now());
        // Answered at once, with what there was at that very moment: whether we may listen.
        let refused = |error| EngineError::refused("tell its events", &error);
        let mut hello = request(
            &self.docker.clone().with_timeout(HELLO),
            options(begin, Some(begin)),
        );
        while let Some(event) = hello.next().await {
            event.map_err(refused)?;
        }
        // Without a bound: the engine drops the events of a listener that is slow to read them,
        // and containers are not started by the million.
        let (sender, events) = unbounded_channel();
        let follower = tokio::spawn(follow(self.docker.clone(), Seen::from(begin), sender));
        Ok(EventStream { events, follower })
    }
}

/// Until nobody listens.
async fn follow(docker: Docker, mut seen: Seen, listener: UnboundedSender<EngineEvent>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let begun = Instant::now();
        let reason = pass_on(&docker, &mut seen, &listener).await;
        if begun.elapsed() > LAST_PAUSE {
            pause = FIRST_PAUSE;
        }
        if listener.send(EngineEvent::Disconnected { reason }).is_err() {
            return;
        }
        let containers = loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
            match list(&docker.clone().with_timeout(HELLO)).await {
                Ok(containers) => break containers,
                Err(error) => log::debug!("the engine is still away: {}", describe(&error)),
            }
        };
        let back = EngineEvent::Reconnected { containers };
        if listener.send(back).is_err() {
            return;
        }
    }
}

/// Until the connection ends; tells why.
async fn pass_on(
    docker: &Docker,
    seen: &mut Seen,
    listener: &UnboundedSender<EngineEvent>,
) -> Text {
    let mut events = request(docker, options(seen.since(), None));
    while let Some(event) = events.next().await {
        match event {
            Ok(message) => {
                if !seen.is_new(&message) {
                    continue;
                }
                if let Some(event) = translate(message) {
                    // Nobody listens any more: the next turn ends us.
                    let _ = listener.send(EngineEvent::Container(event));
                }
            }
            Err(error) => {
                // One that cannot be read would be told again and again.
                if let ApiError::JsonDataError { .. } | ApiError::JsonSerdeError { .. } = error {
                    seen.skip_to(nanoseconds(SystemTime::now()));
                }
                return describe(&error);
            }
        }
    }
    "it hung up".into()
}

fn request(
    docker: &Docker,
    options: EventsOptions,
) -> impl Stream<Item = Result<EventMessage, ApiError>> + Unpin + use<> {
    Box::pin(docker.events(Some(options)))
}

/// Both in nanoseconds since 1970.
fn options(since: i64, until: Option<i64>) -> EventsOptions {
    let seconds = |at: i64| format!("{}.{:09}", at / 1_000_000_000, at % 1_000_000_000);
    let filters = std::collections::HashMap::from([("type", vec!["container"])]);
    let mut options = EventsOptionsBuilder::default()
        .since(&seconds(since))
        .filters(&filters);
    if let Some(until) = until {
        options = options.until(&seconds(until));
    }
    options.build()
}

fn nanoseconds(at: SystemTime) -> i64 {
    let since_epoch = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}
