//! Events: the relay's step, and reading what it numbered.

use super::database::Database;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// A change that one statement made to one or more jobs of a kind in a queue.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct Event {
    /// Grows by one in the order of commits: "greater than the last that I saw" misses nothing.
    pub n: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// `enqueued`, `leased`, `given_back`, `run_now`, `requeued`, or an [`Outcome`](crate::Outcome).
    pub r#type: String,
    /// The queue of the jobs.
    pub queue: String,
    /// The kind of the jobs.
    pub kind: String,
    /// The jobs.
    pub job_ids: Vec<Uuid>,
    /// The attempt of each of the jobs; 0 before the first.
    pub attempts: Vec<i16>,
}

impl Database {
    /// Up to `limit` events after number `n`, in their order.
    pub async fn events_after(&self, n: i64, limit: i64) -> sqlx::Result<Vec<Event>> {
        sqlx::query_as(self.sql(include_str!("../../sql/events/read.sql")))
            .bind(n)
            .bind(limit)
            .fetch_all(self.pool())
            .await
    }

    /// The number of the last event; 0 if there was none.
    pub async fn last_event(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.sql(include_str!("../../sql/events/head.sql"))).fetch_one(self.pool()).await
    }

    /// Numbers up to `limit` changes, unless another relay is at it, and says how many.
    pub(crate) async fn relay(&self, limit: i64) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.sql(include_str!("../../sql/events/relay.sql")))
            .bind(limit)
            .fetch_one(self.pool())
            .await
    }
}
