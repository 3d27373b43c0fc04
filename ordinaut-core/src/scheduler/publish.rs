//! Publishing: what the relay numbered goes to the Redis stream, under the same numbers.

use super::patience::Patience;
use crate::store::database::Database;
use crate::stream::{Stream, StreamError};
use crate::vocabulary::backoff::Backoff;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

const BATCH: i64 = 200;

/// How long a numbered event may wait to be published.
const PAUSE: Duration = Duration::from_millis(100);

/// A dead Redis costs a time-out a try: no more of them than an operator would make.
const RETRY: Backoff = Backoff::Exponential { base: Duration::from_secs(1), cap: Duration::from_secs(30) };

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Redis(#[from] StreamError),
    #[error("could not read events")]
    Database(#[from] sqlx::Error),
    #[error("the stream is at event {stream}, ahead of this database's {database}: it belongs to another one")]
    Foreign { stream: i64, database: i64 },
}

/// Publishes until told to stop. A Redis that was away gets what it missed, as far back as the stream reaches.
pub(super) async fn run(database: Database, url: String, stop: CancellationToken) {
    let mut failures = 0;
    let follow = async {
        loop {
            let Err(error) = publish(&database, &url, &mut failures).await;
            let error: &(dyn std::error::Error + 'static) = &error;
            warn!("events are not published to Redis for now: {}", crate::vocabulary::error::Chain(error));
            failures += 1;
            tokio::time::sleep(RETRY.delay(failures, rand::random_range(0.5..1.0))).await;
        }
    };
    let _: Option<std::convert::Infallible> = stop.run_until_cancelled(follow).await;
}

/// Follows the events from where the stream ends. Every publisher goes on from there and in order, so that two of them
/// only repeat each other, which Redis refuses.
async fn publish(database: &Database, url: &str, failures: &mut i16) -> Result<std::convert::Infallible, PublishError> {
    let (stream, patience) = (Stream::connect(url).await?, Patience::default());
    let head = patience.wait(database.last_event()).await?;
    let mut published = match stream.last().await? {
        Some(last) if last > head => return Err(PublishError::Foreign { stream: last, database: head }),
        Some(last) => last,
        None => (head - Stream::LENGTH).max(0),
    };
    info!("publishing events to Redis after number {published}");
    *failures = 0;
    loop {
        let events = patience.wait(database.events_after(published, BATCH)).await?;
        for event in &events {
            stream.publish(event).await?;
            published = event.n;
        }
        if events.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
