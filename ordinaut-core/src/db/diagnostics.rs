//! What an operator asks of the database itself.

use crate::client::Diagnostics;
use crate::error::Error;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// The server, as far as it matters here.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct ServerStatus {
    /// As the server says it.
    pub version: String,
    /// Its first number.
    pub major: i32,
    /// Whether an answered commit survives a power cut: fsync and full-page writes are on.
    pub durable: bool,
    /// Whether it is a standby, which takes no writes.
    pub in_recovery: bool,
    /// Its clock, the only one that decides.
    pub now: DateTime<Utc>,
    /// The account that we are there.
    pub account: String,
}

/// Who keeps vacuum from removing dead rows.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct OldestSnapshot {
    /// `backend`, `slot`, `prepared` or `standby`.
    pub kind: String,
    /// Who it is, for people.
    pub holder: String,
    /// Number of seconds for which it is held; unknown of slots and standbys.
    pub seconds: Option<f64>,
    /// Number of transactions that have begun since.
    pub xids: i32,
}

/// How some jobs fared together.
#[derive(Clone, Debug, Default, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct Summary {
    /// Number of them that exist.
    pub jobs: i64,
    /// Number that succeeded.
    pub succeeded: i64,
    /// Number that are dead.
    pub dead: i64,
    /// Number that were cancelled.
    pub cancelled: i64,
    /// Number of attempts that failed and were followed by another.
    pub retried: i64,
    /// Number of attempts that asked to be run again later.
    pub snoozed: i64,
    /// Seconds from being due within which half of the first attempts began.
    pub wait_p50: f64,
    /// Seconds from being due within which 95 % of the first attempts began.
    pub wait_p95: f64,
}

impl Summary {
    /// Number of the jobs that have ended, however.
    pub fn ended(&self) -> i64 {
        self.succeeded + self.dead + self.cancelled
    }
}

impl Diagnostics<'_> {
    /// The server, as far as it matters here.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn server(self) -> Result<ServerStatus, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("db/server"))).fetch_one(self.client).await?)
    }

    /// Who holds the oldest snapshot of the server, if anybody does. Of other accounts' sessions an
    /// ordinary account sees only that they are there.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn oldest_snapshot(self) -> Result<Option<OldestSnapshot>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("db/oldest_snapshot"))).fetch_optional(self.client).await?)
    }

    /// How some jobs fared together.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn summary(self, job_ids: &[Uuid]) -> Result<Summary, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("db/summary"))).bind(job_ids).fetch_one(self.client).await?)
    }

    /// Puts the schema on the search path of the account that we are there, so that `select
    /// count(*) from due_work` works in psql as it stands; behind `public`, where an application of
    /// the same account makes its own tables. Changes the account for every database of the server.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the account may not change itself, or Postgres could not be reached.
    pub async fn put_on_search_path(self) -> Result<(), Error> {
        sqlx::query(self.client.schema().fill("alter role current_user set search_path = public, {schema}"))
            .execute(self.client)
            .await?;
        Ok(())
    }
}
