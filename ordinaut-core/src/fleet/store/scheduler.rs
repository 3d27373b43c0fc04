//! Which schedulers there are, as far as each tells of itself.

use crate::client::Schedulers;
use crate::error::Error;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// A scheduler that was not seen for so long is not alive: several of its beats are missing.
pub(crate) const ALIVE_FOR: Duration = Duration::from_secs(30);

/// A scheduler process.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct SchedulerStatus {
    /// One life of the process.
    pub id: Uuid,
    /// Its name for people.
    pub name: String,
    /// Where it runs.
    pub host: String,
    /// Its process id there.
    pub pid: i32,
    /// The library's version.
    pub version: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it last said that its loops turn.
    pub seen_at: DateTime<Utc>,
    /// Whether that was within the last 30 seconds.
    pub alive: bool,
}

impl Schedulers<'_> {
    /// Schedulers that live, and those that ended within the hour without a word, the one seen last
    /// first.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self) -> Result<Vec<SchedulerStatus>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("fleet/schedulers")))
            .bind(ALIVE_FOR.as_secs_f64())
            .fetch_all(self.client)
            .await?)
    }

    pub(crate) async fn seen(self, id: Uuid, name: &str, host: &str) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("fleet/scheduler_seen")))
            .bind(id)
            .bind(name)
            .bind(host)
            .bind(std::process::id().cast_signed())
            .bind(env!("CARGO_PKG_VERSION"))
            .execute(self.client)
            .await?;
        Ok(())
    }

    pub(crate) async fn left(self, id: Uuid) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("fleet/scheduler_left"))).bind(id).execute(self.client).await?;
        Ok(())
    }

    /// Forgets schedulers that were not seen for so long.
    pub(crate) async fn prune_schedulers(self, unseen_for: Duration) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("fleet/scheduler_prune")))
            .bind(unseen_for.as_secs_f64())
            .execute(self.client)
            .await?;
        Ok(())
    }
}
