//! Publishing: what the relay numbered goes to the Redis stream, under the same numbers. What Redis
//! loses is filled up from the events in Postgres.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::error::Error;
use crate::event::redis::{Stream, StreamStatus};
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::notify::redis::RedisError;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

const BATCH: i64 = 200;

/// Time that a numbered event may wait to be published.
const PAUSE: Duration = Duration::from_millis(100);

/// Between two looks at the stream while nothing is published.
const LOOK: Duration = Duration::from_secs(60);

/// A dead Redis costs a time-out a try: no more of them than an operator would make.
const RETRY: Backoff = Backoff::Exponential { base: Duration::from_secs(1), cap: Duration::from_secs(30) };

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("could not read events")]
    Database(#[from] Error),
    #[error(
        "the stream is at event {stream}, ahead of this database's event {database}: it belongs to another database"
    )]
    Foreign { stream: i64, database: i64 },
    #[error("two installations write to one stream: {other}, and this one, {own}")]
    TwoWriters { other: Uuid, own: Uuid },
    #[error("Redis lost events of the stream: filling it up from Postgres")]
    Lost,
}

impl From<sqlx::Error> for PublishError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Publishes until told to stop. A Redis that was away or lost its memory gets what it lacks, as
/// far back as the stream reaches.
pub(crate) async fn run(database: Client, url: String, stop: CancellationToken) {
    let mut failures = 0;
    let follow = async {
        loop {
            let Err(error) = publish(&database, &url, &mut failures).await;
            let error: &(dyn std::error::Error + 'static) = &error;
            warn!("events are not published to Redis for now: {}", crate::error::Chain(error));
            failures += 1;
            tokio::time::sleep(RETRY.delay(failures, rand::random_range(0.5..1.0))).await;
        }
    };
    let _: Option<std::convert::Infallible> = stop.run_until_cancelled(follow).await;
}

/// Follows the events from where the stream ends. Every publisher goes on from there and in order,
/// so that two of them only repeat each other, which Redis refuses.
async fn publish(database: &Client, url: &str, failures: &mut i16) -> Result<std::convert::Infallible, PublishError> {
    let publisher = Publisher {
        database,
        stream: Stream::connect(url, database.schema()).await?,
        patience: AdaptiveTimeout::default(),
    };
    publisher.claim().await?;
    let mut published = publisher.fill_up().await?;
    let mut looked = Instant::now();
    info!("publishing events to Redis after number {published}");
    loop {
        let events = publisher.patience.wait(database.events().after(published, BATCH)).await?;
        for event in &events {
            publisher.stream.publish(event).await?;
            published = event.n;
        }
        if looked.elapsed() > LOOK {
            publisher.claim().await?;
        }
        if !events.is_empty() || looked.elapsed() > LOOK {
            let status = publisher.stream.status().await?;
            // A number that is refused, because the stream has had higher ones, is missing at its
            // end.
            if !publisher.is_whole(&status).await? || !events.is_empty() && status.last < published {
                return Err(PublishError::Lost);
            }
            // Another publisher may be ahead; a Redis that came back with an old snapshot is
            // behind.
            (published, looked, *failures) = (status.last, Instant::now(), 0);
        }
        if events.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

struct Publisher<'a> {
    database: &'a Client,
    stream: Stream,
    patience: AdaptiveTimeout,
}

impl Publisher<'_> {
    /// Fails if another installation writes to the stream.
    async fn claim(&self) -> Result<(), PublishError> {
        let own = self.patience.wait(self.database.events().installation()).await?;
        match self.stream.claim(own).await? {
            Some(other) if other != own => Err(PublishError::TwoWriters { other, own }),
            _ => Ok(()),
        }
    }

    /// The number of the stream's last event, once it holds all that it should hold up to there.
    async fn fill_up(&self) -> Result<i64, PublishError> {
        loop {
            if let Some(last) = self.try_to_fill_up().await? {
                return Ok(last);
            }
        }
    }

    /// `None`: another publisher moved the stream on, and whether it is whole has to be asked
    /// again.
    async fn try_to_fill_up(&self) -> Result<Option<i64>, PublishError> {
        let status = self.stream.status().await?;
        // After the stream, which another publisher may move on.
        let head = self.patience.wait(self.database.events().last()).await?;
        if status.last > head {
            return Err(PublishError::Foreign { stream: status.last, database: head });
        }
        if self.is_whole(&status).await? {
            return Ok(Some(status.last));
        }
        // Redis takes no number below its last one, so a gap is filled by another stream in its
        // place.
        let (draft, begin) = (Uuid::new_v4(), (head - Stream::LENGTH).max(0));
        let (mut first, mut last) = (None, begin);
        while last < head {
            let events = self.patience.wait(self.database.events().after(last, BATCH)).await?;
            for event in &events {
                self.stream.draft(draft, event).await?;
            }
            if first.is_none() {
                self.stream.may_go(draft).await?;
            }
            let Some(end) = events.last() else { break };
            (first, last) = (first.or(events.first().map(|event| event.n)), end.n);
        }
        let Some(first) = first else { return Ok(Some(head)) };
        if !self.stream.replace_by(draft, last).await? {
            return Ok(None);
        }
        if status.length == 0 {
            info!("the stream in Redis was empty, and now holds events {first} to {last}");
        } else {
            warn!("the stream in Redis lacked events, and now holds events {first} to {last}");
        }
        Ok(Some(last))
    }

    /// Whether the stream has no gap, and begins where it should: a stream's length back, or with
    /// the oldest event there is.
    async fn is_whole(&self, status: &StreamStatus) -> Result<bool, PublishError> {
        if status.has_gap() {
            let kept = self.patience.wait(self.database.events().count(status.first, status.last)).await?;
            if status.length < kept {
                return Ok(false);
            }
        }
        if status.length > 0 && status.first <= (status.last - Stream::LENGTH + 1).max(1) {
            return Ok(true);
        }
        let begin = self.patience.wait(self.database.events().first_after(status.last - Stream::LENGTH)).await?;
        Ok(begin.is_none_or(|begin| status.length > 0 && status.first <= begin))
    }
}
