//! The statements of batches and dependencies.

pub(crate) mod count;
pub(crate) mod fold;

use crate::batch::batch::{Batch, BatchFilter, BatchState};
use crate::client::Batches;
use crate::db::fields::Fields;
use crate::db::page::Page;
use crate::error::Error;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgExecutor};
use std::time::Duration;
use uuid::Uuid;

/// Maximum number of batches that one statement deletes.
const BATCHES_A_STATEMENT: i64 = 500;

/// What is stored of a new batch, whose members are there.
pub(crate) struct BatchRow<'a> {
    pub(crate) id: Uuid,
    pub(crate) name: &'a str,
    pub(crate) total: i64,
    pub(crate) on_dead: &'a str,
    pub(crate) on_success: Option<Uuid>,
    pub(crate) on_complete: Option<Uuid>,
    pub(crate) deadline: Option<chrono::DateTime<chrono::Utc>>,
    pub(crate) deadline_in: Option<f64>,
    pub(crate) tenant: Option<&'a str>,
}

impl FromRow<'_, PgRow> for Batch {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let (total, succeeded, dead, cancelled): (i64, i64, i64, i64) =
            (fields.get("total")?, fields.get("succeeded")?, fields.get("dead")?, fields.get("cancelled")?);
        let stopping: Option<String> = fields.get("stopping")?;
        Ok(Self {
            id: fields.get("id")?,
            name: fields.get("name")?,
            state: fields.word("state")?,
            total,
            succeeded,
            dead,
            cancelled,
            progress: Self::part(succeeded + dead + cancelled, total),
            stopping: stopping.and_then(|word| word.parse::<BatchState>().ok()),
            on_dead: fields.word("on_dead")?,
            on_success: fields.get("on_success")?,
            on_complete: fields.get("on_complete")?,
            deadline: fields.instant("deadline")?,
            tenant: fields.get("tenant")?,
            created_by: fields.get("created_by")?,
            created_at: fields.certain_instant("created_at")?,
            ended_at: fields.instant("ended_at")?,
        })
    }
}

impl Batches<'_> {
    /// The agent that made the batches that the caller sees: of a caller that sees some queues
    /// only, itself.
    fn seen_maker(&self) -> Option<&str> {
        self.client.seen_queues().and_then(|_| self.client.agent())
    }

    pub(crate) async fn insert(self, new: &BatchRow<'_>, tx: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("batch/create")))
            .bind(new.id)
            .bind(new.name)
            .bind(new.total)
            .bind(new.on_dead)
            .bind(new.on_success)
            .bind(new.on_complete)
            .bind(new.deadline)
            .bind(new.deadline_in)
            .bind(new.tenant)
            .bind(self.client.agent())
            .execute(tx)
            .await
            .map(drop)
    }

    /// Whether a batch takes members, which it then does until this transaction ends; `None`: there
    /// is none.
    pub(crate) async fn hold(self, id: Uuid, tx: &mut PgConnection) -> sqlx::Result<Option<bool>> {
        sqlx::query_scalar(self.client.sql(sql!("batch/hold")))
            .bind(id)
            .bind(self.client.seen_tenant())
            .bind(self.seen_maker())
            .fetch_optional(tx)
            .await
    }

    pub(crate) async fn added(self, id: Uuid, members: i32, tx: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("batch/added"))).bind(id).bind(members).execute(tx).await.map(drop)
    }

    /// One batch; `None`: there is none with this id.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, id: Uuid) -> Result<Option<Batch>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("batch/get")))
            .bind(id)
            .bind(self.client.seen_tenant())
            .bind(self.seen_maker())
            .fetch_optional(self.client)
            .await?)
    }

    /// Batches, the latest first: up to `limit`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the filter names what no batch can have; [`Error::Database`] if
    /// Postgres refused the statement or could not be reached.
    pub async fn list(self, filter: &BatchFilter, limit: i64) -> Result<Page<Batch, Uuid>, Error> {
        filter.check()?;
        let seen = self.client.seen_tenant();
        if seen.is_some_and(|seen| filter.tenant.as_ref().is_some_and(|wanted| wanted != seen)) {
            return Ok(Page::new(Vec::new(), None));
        }
        let found: Vec<Batch> = sqlx::query_as(self.client.sql(sql!("batch/list")))
            .bind(limit.saturating_add(1))
            .bind(filter.before)
            .bind(filter.state.map(BatchState::as_str))
            .bind(seen.or(filter.tenant.as_deref()))
            .bind(self.seen_maker())
            .fetch_all(self.client)
            .await?;
        Ok(Page::of_one_more(found, limit, |batch| batch.id))
    }

    /// The batch of a job.
    pub(crate) async fn of_job<'e>(self, job_id: Uuid, db: impl PgExecutor<'e>) -> sqlx::Result<Option<Uuid>> {
        let found: Option<Option<Uuid>> =
            sqlx::query_scalar(self.client.sql(sql!("batch/of_job"))).bind(job_id).fetch_optional(db).await?;
        Ok(found.flatten())
    }

    /// Asks for what is left of a batch to be cancelled: what became of that, if there is one.
    pub(crate) async fn ask_to_cancel(self, id: Uuid) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(self.client.sql(sql!("batch/cancel")))
            .bind(id)
            .bind(self.client.seen_tenant())
            .bind(self.seen_maker())
            .fetch_optional(self.client)
            .await
    }

    /// Stops batches whose deadline has passed.
    pub(crate) async fn expire(self) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.client.sql(sql!("batch/expire"))).fetch_one(self.client).await
    }

    /// Cancels jobs that their batch will never call.
    pub(crate) async fn cancel_uncalled(self) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.client.sql(sql!("batch/orphans"))).fetch_one(self.client).await
    }

    /// Deletes batches that ended longer ago than this; returns their number.
    pub(crate) async fn prune_ended(self, age: Duration) -> sqlx::Result<u64> {
        let mut deleted = 0;
        loop {
            let some = sqlx::query(self.client.sql(sql!("batch/prune_batches")))
                .bind(age.as_secs_f64())
                .bind(BATCHES_A_STATEMENT)
                .execute(self.client)
                .await?
                .rows_affected();
            deleted += some;
            if some < BATCHES_A_STATEMENT.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }
}
