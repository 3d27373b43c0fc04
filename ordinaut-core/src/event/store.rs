//! Events: the relay's step, and reading what it numbered.

use crate::client::Events;
use crate::error::Error;
use crate::event::record::{Event, JobRef};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Jobs that the events of one page name together: a single event may name more, and is then alone
/// on its page.
const PAGE_JOBS: i64 = 10_000;

#[derive(sqlx::FromRow)]
struct Row {
    n: i64,
    at: DateTime<Utc>,
    r#type: String,
    queue: String,
    kind: String,
    job_ids: Vec<Uuid>,
    attempts: Vec<i32>,
    level: Option<String>,
}

impl Events<'_> {
    /// Up to `limit` events after number `n`, in their order; fewer if they name many jobs. None:
    /// there are no more.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn after(self, n: i64, limit: i64) -> Result<Vec<Event>, Error> {
        let rows: Vec<Row> = sqlx::query_as(self.client.sql(sql!("event/read")))
            .bind(n)
            .bind(limit)
            .bind(PAGE_JOBS)
            .fetch_all(self.client)
            .await?;
        Ok(rows.into_iter().map(Event::from).collect())
    }

    /// The number of the last event; 0 if there was none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn last(self) -> Result<i64, Error> {
        Ok(sqlx::query_scalar(self.client.sql(sql!("event/head"))).fetch_one(self.client).await?)
    }

    /// The number of the first event after number `n` that retention has left.
    #[cfg(feature = "redis")]
    pub(crate) async fn first_after(self, n: i64) -> sqlx::Result<Option<i64>> {
        sqlx::query_scalar(self.client.sql(sql!("event/first_after"))).bind(n).fetch_optional(self.client).await
    }

    /// The number of events that are kept from number `first` to number `last`.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn count(self, first: i64, last: i64) -> Result<i64, Error> {
        let count = sqlx::query_scalar(self.client.sql(sql!("event/between")));
        Ok(count.bind(first).bind(last).fetch_one(self.client).await?)
    }

    /// Which installation this is: a number drawn when the schema was made.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn installation(self) -> Result<Uuid, Error> {
        Ok(sqlx::query_scalar(self.client.sql(sql!("event/installation"))).fetch_one(self.client).await?)
    }

    /// Numbers up to `limit` changes, unless another relay is at it, and says how many.
    pub(crate) async fn relay(self, limit: i64) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.client.sql(sql!("event/relay"))).bind(limit).fetch_one(self.client).await
    }
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        let jobs = row.job_ids.into_iter().zip(row.attempts).map(|(id, attempt)| JobRef { id, attempt }).collect();
        // A word that this version does not know is of a newer one.
        let level = row.level.and_then(|word| word.parse().ok());
        Self { n: row.n, at: row.at, r#type: row.r#type, queue: row.queue, kind: row.kind, jobs, level }
    }
}
