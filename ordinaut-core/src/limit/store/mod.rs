//! Limits: stored, changed, looked at.

pub(crate) mod admission;
pub(crate) mod sift;

use crate::client::Limits;
use crate::db::page::{PAGE_OCTETS, Page};
use crate::error::Error;
use crate::failure::is_lock_timeout;
use crate::limit::definition::Limit;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgExecutor, Row};

/// A limit, and what there is of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct LimitStatus {
    /// The limit.
    #[serde(flatten)]
    pub limit: Limit,
    /// The weight of the jobs that run under it, all keys together.
    pub held: i64,
    /// Number of jobs that wait for room, all keys together.
    pub waiting: i64,
}

impl Limits<'_> {
    /// Limits, by name: up to `limit`, after the one that the last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, limit: i64, after: Option<&str>) -> Result<Page<LimitStatus, String>, Error> {
        let rows = sqlx::query(self.client.sql(sql!("limit/list")))
            .bind(limit)
            .bind(PAGE_OCTETS)
            .bind(after)
            .fetch_all(self.client)
            .await?;
        Ok(Page::read(&rows, |last| last.try_get("name"))?)
    }

    /// One limit; `None`: there is none of this name.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, name: &str) -> Result<Option<Limit>, Error> {
        Ok(self.stored_limit(name, self.client).await?)
    }

    pub(crate) async fn stored_limit<'e>(self, name: &str, db: impl PgExecutor<'e>) -> sqlx::Result<Option<Limit>> {
        let stored: Option<StoredLimit> =
            sqlx::query_as(self.client.sql(sql!("limit/get"))).bind(name).fetch_optional(db).await?;
        Ok(stored.map(|StoredLimit(limit)| limit))
    }

    pub(crate) async fn store(self, limit: &Limit, tx: &mut PgConnection) -> sqlx::Result<()> {
        let concurrency = if limit.ordered { Some(1) } else { limit.concurrency };
        sqlx::query(self.client.sql(sql!("limit/put")))
            .bind(&limit.name)
            .bind(limit.queue.as_deref())
            .bind(limit.kind.as_deref())
            .bind(limit.key.as_deref())
            .bind(limit.weight.as_deref())
            .bind(concurrency.map(u32::cast_signed))
            .bind(limit.rate)
            .bind(limit.burst_or_default())
            .bind(limit.per_process)
            .bind(limit.ordered)
            .bind(limit.per_tenant)
            .execute(tx)
            .await
            .map(drop)
    }

    /// False: there is none of this name.
    pub(crate) async fn remove_limit(self, name: &str, tx: &mut PgConnection) -> sqlx::Result<bool> {
        let removed: Option<String> =
            sqlx::query_scalar(self.client.sql(sql!("limit/delete"))).bind(name).fetch_optional(tx).await?;
        Ok(removed.is_some())
    }

    /// From here to the end of the transaction no claim runs. False: somebody reads the limits for
    /// longer, and the transaction is of no use any more.
    pub(crate) async fn stop_claims(self, tx: &mut PgConnection) -> sqlx::Result<bool> {
        sqlx::query("set local lock_timeout = '50ms'").execute(&mut *tx).await?;
        match sqlx::query(self.client.sql(sql!("limit/close"))).execute(&mut *tx).await {
            Err(error) if is_lock_timeout(&error) => return Ok(false),
            result => result?,
        };
        sqlx::query("set local lock_timeout = 0").execute(tx).await?;
        Ok(true)
    }

    /// Counts what runs already under a new limit.
    pub(crate) async fn count_running(self, limit: &str, tx: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("limit/count_running"))).bind(limit).execute(tx).await.map(drop)
    }

    /// Lets all jobs that wait in lines be due again; returns their queues.
    pub(crate) async fn empty_lines(self, tx: &mut PgConnection) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(self.client.sql(sql!("limit/unpark"))).fetch_all(tx).await
    }

    /// Forgets what limits remember of jobs that have ended, and the limits that tasks implied for
    /// jobs that have: claims then need not ask for limits any more.
    pub(crate) async fn prune_limits(self) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("limit/prune"))).execute(self.client).await?;
        let mut tx = self.client.begin().await?;
        if self.idle_implied_limits(&mut tx).await?.is_empty() || !self.stop_claims(&mut tx).await? {
            return Ok(());
        }
        // A job that had not been committed at the first look is seen now, and none is made beside
        // this transaction.
        for name in self.idle_implied_limits(&mut tx).await? {
            self.remove_limit(&name, &mut tx).await?;
        }
        tx.commit().await
    }

    async fn idle_implied_limits(self, tx: &mut PgConnection) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(self.client.sql(sql!("limit/implied_idle"))).fetch_all(tx).await
    }
}

/// A limit as its row has it.
struct StoredLimit(Limit);

impl FromRow<'_, PgRow> for StoredLimit {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let number = |number: i32| u32::try_from(number).unwrap_or_default();
        Ok(Self(Limit {
            queue: row.try_get("queue")?,
            kind: row.try_get("kind")?,
            key: row.try_get("key")?,
            weight: row.try_get("weight")?,
            concurrency: row.try_get::<Option<i32>, _>("concurrency")?.map(number),
            rate: row.try_get("rate")?,
            burst: row.try_get("burst")?,
            per_process: row.try_get("per_process")?,
            ordered: row.try_get("ordered")?,
            per_tenant: row.try_get("per_tenant")?,
            ..Limit::new(row.try_get::<String, _>("name")?)
        }))
    }
}

impl FromRow<'_, PgRow> for LimitStatus {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let StoredLimit(limit) = StoredLimit::from_row(row)?;
        Ok(Self { limit, held: row.try_get("held")?, waiting: row.try_get("waiting")? })
    }
}
