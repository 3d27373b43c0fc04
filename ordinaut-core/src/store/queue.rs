//! The rows of queues: paused, resumed, bounded.

use super::database::Database;
use crate::vocabulary::queue::QueueChange;

/// As many jobs as one statement ends.
const JOBS_A_STATEMENT: i64 = 500;

/// How many jobs may wait in a queue, and how many do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueRoom {
    /// How many may.
    pub max_waiting: i32,
    /// How many do, whether due or not, and parked or not; counted up to `max_waiting`.
    pub waiting: i64,
}

impl QueueRoom {
    /// How many more may.
    pub fn left(self) -> i64 {
        i64::from(self.max_waiting) - self.waiting
    }
}

impl Database {
    pub(crate) async fn store_pause(&self, queue: &str, by: Option<&str>, reason: Option<&str>) -> sqlx::Result<()> {
        sqlx::query(self.sql(include_str!("../../sql/queues/pause.sql")))
            .bind(queue)
            .bind(by)
            .bind(reason)
            .execute(self)
            .await
            .map(drop)
    }

    /// False: it was not paused.
    pub(crate) async fn store_resume(&self, queue: &str) -> sqlx::Result<bool> {
        let resumed = sqlx::query(self.sql(include_str!("../../sql/queues/resume.sql"))).bind(queue);
        Ok(resumed.execute(self).await?.rows_affected() > 0)
    }

    pub(crate) async fn store_queue(&self, queue: &str, change: &QueueChange) -> sqlx::Result<()> {
        sqlx::query(self.sql(include_str!("../../sql/queues/change.sql")))
            .bind(queue)
            .bind(change.max_waiting.is_some())
            .bind(change.max_waiting.flatten())
            .bind(change.max_age.is_some())
            .bind(change.max_age.flatten().map(|age| age.as_secs_f64()))
            .bind(change.retention.is_some())
            .bind(change.retention.flatten().map(|time| time.as_secs_f64()))
            .execute(self)
            .await
            .map(drop)
    }

    /// `None`: the queue has no bound.
    pub(crate) async fn count_room(&self, queue: &str) -> sqlx::Result<Option<QueueRoom>> {
        let row: Option<(i32, i64)> = sqlx::query_as(self.sql(include_str!("../../sql/queues/room.sql")))
            .bind(queue)
            .fetch_optional(self)
            .await?;
        Ok(row.map(|(max_waiting, waiting)| QueueRoom { max_waiting, waiting }))
    }

    /// Ends jobs that have been due for longer than their queues allow; says how many.
    pub(crate) async fn expire_jobs(&self) -> sqlx::Result<i64> {
        let mut expired = 0;
        loop {
            let gone: i64 = sqlx::query_scalar(self.sql(include_str!("../../sql/queues/expire.sql")))
                .bind(JOBS_A_STATEMENT)
                .fetch_one(self)
                .await?;
            expired += gone;
            if gone < JOBS_A_STATEMENT {
                return Ok(expired);
            }
        }
    }
}
