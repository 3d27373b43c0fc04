//! Whether Redis answers, asked at most every 5 seconds, however many ask.

use ordinaut_core::db::Schema;
use ordinaut_core::event::stream_in_redis;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tracing::warn;

/// Each look is a connection of its own, and anybody may ask for health.
const FRESH: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Redis {
    url: Arc<str>,
    schema: Schema,
    /// Held while looking, so that a request that comes then waits for that answer.
    last: Arc<Mutex<Option<(Instant, bool)>>>,
}

impl Redis {
    pub(crate) fn new(url: &str, schema: &Schema) -> Self {
        Self { url: url.into(), schema: schema.clone(), last: Arc::default() }
    }

    /// Whether it answered within the last 5 seconds. Takes as long as connecting does, 5 seconds at most.
    pub(crate) async fn answers(&self) -> bool {
        let redis = self.clone();
        // A task of its own: who asked may lose patience, and the next would begin the same look again.
        tokio::spawn(async move { redis.fresh().await }).await.expect("looking neither panics nor is aborted")
    }

    async fn fresh(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, answered)) = *last
            && at.elapsed() < FRESH
        {
            return answered;
        }
        let answer = stream_in_redis(&self.url, &self.schema).await;
        if let Err(error) = &answer {
            warn!(%error, "Redis cannot be used: {error}");
        }
        *last = Some((Instant::now(), answer.is_ok()));
        answer.is_ok()
    }
}
