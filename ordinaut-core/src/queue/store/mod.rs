//! The rows of queues: paused, resumed, bounded.

pub(crate) mod stats;

use crate::client::Queues;
use crate::queue::pressure::QueueLevel;
use crate::queue::settings::QueueChange;

/// Maximum number of jobs that one statement ends.
const JOBS_A_STATEMENT: i64 = 500;

/// Number of jobs that may wait in a queue, number that do, and which are taken then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueRoom {
    /// Number that may wait.
    pub max_waiting: i32,
    /// Number that do, whether due or not, and parked or not; counted up to `max_waiting`.
    pub waiting: i64,
    /// How full that is. A level ends five points below where it begins, if a scheduler told of it.
    pub level: QueueLevel,
}

impl QueueRoom {
    /// Number that may still come.
    pub fn left(self) -> i64 {
        i64::from(self.max_waiting) - self.waiting
    }

    /// The priority of the least urgent jobs (1 is most urgent, 9 least) that should be taken now;
    /// `None`: the queue is full, and none should. The API asks this; the library's enqueue does
    /// not, and a program that embeds it may.
    pub fn least_urgent(self) -> Option<i16> {
        (self.left() > 0).then(|| self.level.least_urgent())
    }

    /// How it is when one job more waits.
    #[must_use]
    pub fn with_one_more(self) -> Self {
        let waiting = self.waiting + 1;
        Self { waiting, level: self.level.next(waiting, Some(self.max_waiting)), ..self }
    }
}

/// A queue whose level is another one than was told.
pub(crate) struct LevelChange {
    pub(crate) queue: String,
    pub(crate) from: QueueLevel,
    pub(crate) to: QueueLevel,
}

/// The level as it is stored.
fn told(word: String) -> sqlx::Result<QueueLevel> {
    word.parse().map_err(|reason: String| sqlx::Error::Decode(reason.into()))
}

impl Queues<'_> {
    pub(crate) async fn store_pause(self, queue: &str, by: Option<&str>, reason: Option<&str>) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("queue/pause")))
            .bind(queue)
            .bind(by)
            .bind(reason)
            .execute(self.client)
            .await
            .map(drop)
    }

    pub(crate) async fn knows_queue(self, queue: &str) -> sqlx::Result<bool> {
        sqlx::query_scalar(self.client.sql(sql!("queue/known"))).bind(queue).fetch_one(self.client).await
    }

    /// False: it was not paused.
    pub(crate) async fn store_resume(self, queue: &str) -> sqlx::Result<bool> {
        let resumed = sqlx::query(self.client.sql(sql!("queue/resume"))).bind(queue);
        Ok(resumed.execute(self.client).await?.rows_affected() > 0)
    }

    pub(crate) async fn store_queue(self, queue: &str, change: &QueueChange) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("queue/change")))
            .bind(queue)
            .bind(change.max_waiting.is_some())
            .bind(change.max_waiting.flatten())
            .bind(change.max_age.is_some())
            .bind(change.max_age.flatten().map(|age| age.as_secs_f64()))
            .bind(change.retention.is_some())
            .bind(change.retention.flatten().map(|time| time.as_secs_f64()))
            .execute(self.client)
            .await
            .map(drop)
    }

    /// `None`: the queue has no bound.
    pub(crate) async fn count_room(self, queue: &str) -> sqlx::Result<Option<QueueRoom>> {
        let row: Option<(i32, i64, String)> =
            sqlx::query_as(self.client.sql(sql!("queue/room"))).bind(queue).fetch_optional(self.client).await?;
        row.map(|(max_waiting, waiting, level)| {
            let level = told(level)?.next(waiting, Some(max_waiting));
            Ok(QueueRoom { max_waiting, waiting, level })
        })
        .transpose()
    }

    /// Queues whose level is another one than was told.
    pub(crate) async fn changed_levels(self) -> sqlx::Result<Vec<LevelChange>> {
        let rows: Vec<(String, String, Option<i32>, i64)> =
            sqlx::query_as(self.client.sql(sql!("queue/levels"))).fetch_all(self.client).await?;
        let mut changes = Vec::new();
        for (queue, level, max_waiting, waiting) in rows {
            let from = told(level)?;
            let to = from.next(waiting, max_waiting);
            if to != from {
                changes.push(LevelChange { queue, from, to });
            }
        }
        Ok(changes)
    }

    /// Stores a level and tells it; false: another scheduler was first.
    pub(crate) async fn set_level(self, change: &LevelChange) -> sqlx::Result<bool> {
        let changed = sqlx::query(self.client.sql(sql!("queue/set_level")))
            .bind(&change.queue)
            .bind(change.from.as_str())
            .bind(change.to.as_str());
        Ok(changed.fetch_optional(self.client).await?.is_some())
    }

    /// Ends jobs that have been due for longer than their queues allow; says how many.
    pub(crate) async fn expire_jobs(self) -> sqlx::Result<i64> {
        let mut expired = 0;
        loop {
            let gone: i64 = sqlx::query_scalar(self.client.sql(sql!("queue/expire")))
                .bind(JOBS_A_STATEMENT)
                .fetch_one(self.client)
                .await?;
            expired += gone;
            if gone < JOBS_A_STATEMENT {
                return Ok(expired);
            }
        }
    }
}
