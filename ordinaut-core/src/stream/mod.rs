//! Redis: the stream of events, and hints. It tells; nothing is decided here.

mod events;
mod hints;

pub(crate) use events::Stream;
pub use events::{StreamStatus, stream_in_redis};
pub(crate) use hints::{Teller, hear};

use fred::interfaces::ClientLike;
use fred::prelude::{Builder, Client, Config, Error, ReconnectPolicy};
use std::time::Duration;

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
    #[error("the stream of events holds entries with foreign ids such as {0:?}")]
    ForeignId(String),
    /// An event could not be written as JSON.
    #[error("an event could not be written as JSON")]
    Encode(#[from] serde_json::Error),
}

struct Connection {
    client: Client,
}

impl Connection {
    async fn open(url: &str) -> Result<Self, StreamError> {
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
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Without this fred's task would go on reconnecting for ever.
        let client = self.client.clone();
        tokio::spawn(async move { client.quit().await });
    }
}
