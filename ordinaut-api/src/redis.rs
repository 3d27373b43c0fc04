//! Whether Redis answers, asked at most every 5 seconds.

use crate::cached::Cached;
use ordinaut_core::db::Schema;
use ordinaut_core::event::stream_in_redis;
use std::time::Duration;
use tracing::warn;

/// Each look is a connection of its own, and anybody may ask for health.
const FRESH: Duration = Duration::from_secs(5);

pub(crate) struct Redis {
    url: String,
    schema: Schema,
    last: Cached<bool>,
}

impl Redis {
    pub(crate) fn new(url: &str, schema: &Schema) -> Self {
        Self { url: url.to_owned(), schema: schema.clone(), last: Cached::default() }
    }

    /// Whether it answered within the last 5 seconds. Takes as long as connecting does, 5 seconds
    /// at most.
    pub(crate) async fn answers(&self) -> bool {
        let (url, schema) = (self.url.clone(), self.schema.clone());
        let look = async move {
            let stream = stream_in_redis(&url, &schema).await;
            stream.inspect_err(|error| warn!(%error, "Redis cannot be used: {error}")).is_ok()
        };
        self.last.get(|_, _| FRESH, look).await
    }
}
