//! Hints over Redis: the same that Postgres notifies of, for workers that LISTEN does not reach.

use crate::notify::redis::{Connection, RedisError};
use fred::interfaces::{EventInterface, PubsubInterface};
use fred::prelude::{Error, ErrorKind};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::sync::broadcast::error::RecvError;
use tracing::debug;

/// Between two tries to reach a Redis that is away.
const RETRY: Duration = Duration::from_secs(10);

/// The channel of a schema.
fn channel(schema: &str) -> String {
    format!("hints:{schema}")
}

/// Publishes hints, and drops them while Redis is away: somebody polls.
pub(crate) struct RedisNotifier {
    url: String,
    channel: String,
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    connection: Option<Connection>,
    not_before: Option<Instant>,
}

impl RedisNotifier {
    pub(crate) fn new(url: &str, schema: &str) -> Self {
        Self { url: url.to_owned(), channel: channel(schema), line: Arc::default() }
    }

    /// Publishes in the background. Must be called within a runtime.
    pub(crate) fn tell(&self, queues: Vec<String>) {
        // The task that holds it waits for a Redis that is slow or away.
        let Ok(mut line) = self.line.clone().try_lock_owned() else { return };
        if line.not_before.is_some_and(|instant| Instant::now() < instant) {
            return;
        }
        let (url, channel) = (self.url.clone(), self.channel.clone());
        tokio::spawn(async move {
            if let Err(error) = line.publish(&url, &channel, queues).await {
                debug!(%error, "could not notify over Redis");
                *line = Line { connection: None, not_before: Some(Instant::now() + RETRY) };
            }
        });
    }
}

impl Line {
    async fn publish(&mut self, url: &str, channel: &str, queues: Vec<String>) -> Result<(), RedisError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(url).await?),
        };
        for queue in queues {
            let _heard_by: i64 = connection.client.publish(channel, queue).await.map_err(RedisError::Refused)?;
        }
        Ok(())
    }
}

/// Calls `heard` with the queue of each hint, until the connection is lost; `ready` once it hears.
pub(crate) async fn hear(
    url: &str,
    schema: &str,
    ready: impl FnOnce(),
    mut heard: impl FnMut(&str),
) -> Result<Infallible, RedisError> {
    let connection = Connection::open(url).await?;
    let (mut messages, mut errors) = (connection.client.message_rx(), connection.client.error_rx());
    connection.client.subscribe(channel(schema)).await.map_err(RedisError::Refused)?;
    ready();
    let lost = || RedisError::Unreachable(Error::new(ErrorKind::IO, "the connection was lost"));
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Ok(message) => {
                    if let Some(queue) = message.value.as_str() {
                        heard(&queue);
                    }
                }
                // Too many at once: what was dropped is like what was heard.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(lost()),
            },
            // After a reconnect the client would not be subscribed any more.
            error = errors.recv() => return Err(error.map_or_else(|_| lost(), |(error, _)| RedisError::Unreachable(error))),
        }
    }
}
