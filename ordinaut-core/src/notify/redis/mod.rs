//! Redis: connections, and the notifications that go over it. It tells; nothing is decided here.

pub(crate) mod listener;
pub(crate) mod pubsub;

use fred::interfaces::ClientLike;
use fred::prelude::{Builder, Client, Config, Error, ReconnectPolicy};
use std::time::Duration;

/// A Redis that does not answer for so long is away.
const REDIS_TIMEOUT: Duration = Duration::from_secs(5);

/// Why Redis did not hear of an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// It is not there, or the URL is none.
    #[error("could not reach Redis")]
    Unreachable(#[source] Error),
    /// It answered with an error.
    #[error("Redis refused the command")]
    Refused(#[source] Error),
    /// Somebody else writes to the stream.
    #[error("the stream of events has an entry that Ordinaut did not write: {0:?}")]
    ForeignId(String),
    /// An event could not be written as JSON.
    #[error("could not write an event as JSON")]
    Encode(#[from] serde_json::Error),
}

pub(crate) struct Connection {
    pub(crate) client: Client,
}

impl Connection {
    pub(crate) async fn open(url: &str) -> Result<Self, RedisError> {
        let config = Config::from_url(url).map_err(RedisError::Unreachable)?;
        let client = Builder::from_config(config)
            .with_connection_config(|connection| {
                connection.connection_timeout = REDIS_TIMEOUT;
                connection.max_command_attempts = 2;
            })
            .with_performance_config(|performance| performance.default_command_timeout = REDIS_TIMEOUT)
            .set_policy(ReconnectPolicy::new_constant(1, 200))
            .build()
            .map_err(RedisError::Unreachable)?;
        client.init().await.map_err(RedisError::Unreachable)?;
        Ok(Self { client })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Without this fred's task would go on reconnecting forever.
        let client = self.client.clone();
        tokio::spawn(async move { client.quit().await });
    }
}
