//! The stream of events: each under its number, so that Redis itself refuses a repeat.

use super::{Connection, StreamError};
use crate::vocabulary::event::Event;
use fred::interfaces::StreamsInterface;
use fred::prelude::Error;
use fred::types::Value;

/// The stream's key. In a cluster a stream is one key on one shard.
const KEY: &str = "events";

/// The number of the last event in the stream of a Redis; `None` if it is empty. Waits 5 seconds at most for an answer.
pub async fn last_event_in_redis(url: &str) -> Result<Option<i64>, StreamError> {
    Stream::connect(url).await?.last().await
}

pub(crate) struct Stream(Connection);

impl Stream {
    /// About as many events as the stream keeps.
    pub(crate) const LENGTH: i64 = 10_000;

    pub(crate) async fn connect(url: &str) -> Result<Self, StreamError> {
        Connection::open(url).await.map(Self)
    }

    /// The number of the last event in the stream.
    pub(crate) async fn last(&self) -> Result<Option<i64>, StreamError> {
        let last: Vec<(String, Value)> =
            self.0.client.xrevrange(KEY, "+", "-", Some(1)).await.map_err(StreamError::Refused)?;
        let Some((id, _)) = last.into_iter().next() else { return Ok(None) };
        match id.strip_suffix("-0").and_then(|n| n.parse().ok()) {
            Some(n) => Ok(Some(n)),
            None => Err(StreamError::ForeignId(id)),
        }
    }

    /// Adds an event under its number. One that is there already is a repeat, which Redis itself refuses.
    pub(crate) async fn publish(&self, event: &Event) -> Result<(), StreamError> {
        let mut fields = vec![
            ("type", event.r#type.clone()),
            ("at", event.at.to_rfc3339()),
            ("queue", event.queue.clone()),
            ("kind", event.kind.clone()),
            ("jobs", serde_json::to_string(&event.jobs)?),
        ];
        fields.extend(event.level.map(|level| ("level", level.to_string())));
        let bound = ("MAXLEN", "~", Self::LENGTH);
        let added: Result<Value, Error> = self.0.client.xadd(KEY, false, bound, format!("{}-0", event.n), fields).await;
        match added {
            Ok(_) => Ok(()),
            Err(error) if error.details().contains("equal or smaller") => Ok(()),
            Err(error) => Err(StreamError::Refused(error)),
        }
    }
}
