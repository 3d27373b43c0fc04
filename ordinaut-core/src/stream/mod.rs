//! The Redis stream of events. Redis tells; nothing is decided here.

use crate::vocabulary::event::Event;
use fred::interfaces::{ClientLike, StreamsInterface};
use fred::prelude::{Builder, Client, Config, Error, ReconnectPolicy};
use fred::types::Value;
use std::time::Duration;

/// The stream's key. In a cluster a stream is one key on one shard.
const KEY: &str = "events";

/// A Redis that does not answer for so long is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why Redis did not hear of an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It is not there, or the URL is none.
    #[error("could not reach Redis")]
    Unreachable(#[source] Error),
    /// It answered with an error.
    #[error("Redis refused")]
    Refused(#[source] Error),
    /// Somebody else writes to the stream.
    #[error("the stream \"{KEY}\" holds entries with foreign ids such as {0:?}")]
    ForeignId(String),
    /// An event could not be written as JSON.
    #[error("an event could not be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// The number of the last event in the stream of a Redis; `None` if it is empty. Waits 5 seconds at most for an answer.
pub async fn last_event_in_redis(url: &str) -> Result<Option<i64>, StreamError> {
    Stream::connect(url).await?.last().await
}

pub(crate) struct Stream {
    client: Client,
}

impl Stream {
    /// About as many events as the stream keeps.
    pub(crate) const LENGTH: i64 = 10_000;

    pub(crate) async fn connect(url: &str) -> Result<Self, StreamError> {
        let config = Config::from_url(url).map_err(StreamError::Unreachable)?;
        let client = Builder::from_config(config)
            .with_connection_config(|connection| {
                connection.connection_timeout = PATIENCE;
                connection.max_command_attempts = 2;
            })
            .with_performance_config(|performance| performance.default_command_timeout = PATIENCE)
            .set_policy(ReconnectPolicy::new_constant(1, 200))
            .build()
            .map_err(StreamError::Unreachable)?;
        client.init().await.map_err(StreamError::Unreachable)?;
        Ok(Self { client })
    }

    /// The number of the last event in the stream.
    pub(crate) async fn last(&self) -> Result<Option<i64>, StreamError> {
        let last: Vec<(String, Value)> =
            self.client.xrevrange(KEY, "+", "-", Some(1)).await.map_err(StreamError::Refused)?;
        let Some((id, _)) = last.into_iter().next() else { return Ok(None) };
        match id.strip_suffix("-0").and_then(|n| n.parse().ok()) {
            Some(n) => Ok(Some(n)),
            None => Err(StreamError::ForeignId(id)),
        }
    }

    /// Adds an event under its number. One that is there already is a repeat, which Redis itself refuses.
    pub(crate) async fn publish(&self, event: &Event) -> Result<(), StreamError> {
        let fields = vec![
            ("type", event.r#type.clone()),
            ("at", event.at.to_rfc3339()),
            ("queue", event.queue.clone()),
            ("kind", event.kind.clone()),
            ("jobs", serde_json::to_string(&event.jobs)?),
        ];
        let bound = ("MAXLEN", "~", Self::LENGTH);
        let added: Result<Value, Error> = self.client.xadd(KEY, false, bound, format!("{}-0", event.n), fields).await;
        match added {
            Ok(_) => Ok(()),
            Err(error) if error.details().contains("equal or smaller") => Ok(()),
            Err(error) => Err(StreamError::Refused(error)),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Without this fred's task would go on reconnecting for ever.
        let client = self.client.clone();
        tokio::spawn(async move { client.quit().await });
    }
}
