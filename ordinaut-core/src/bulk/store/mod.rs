//! The rows of bulk operations, and the jobs that they are about.

pub(crate) mod step;

use crate::bulk::operation::{BulkOperation, BulkState};
use crate::bulk::request::{BulkRequest, BulkVerb};
use crate::client::Bulk;
use crate::db::page::Page;
use crate::error::Error;
use crate::job::CancelFilter;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row};
use std::time::Instant;
use uuid::Uuid;

impl Bulk<'_> {
    /// Stores an operation; schedulers begin it within a second. `by` is who starts it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if a field cannot be accepted; [`Error::Database`] if Postgres refused
    /// the statement or could not be reached.
    pub async fn start(self, request: &BulkRequest, by: &str) -> Result<BulkOperation, Error> {
        self.start_as(Uuid::now_v7(), request, by).await
    }

    /// The same with this id: repeated after an answer that was lost, it is started once.
    ///
    /// # Errors
    ///
    /// Those of [`Bulk::start`].
    pub async fn start_as(self, id: Uuid, request: &BulkRequest, by: &str) -> Result<BulkOperation, Error> {
        request.check()?;
        let (queue, priority) = match &request.verb {
            BulkVerb::Move(queue) => (Some(queue), None),
            BulkVerb::Reprioritise(priority) => (None, Some(*priority)),
            _ => (None, None),
        };
        Ok(sqlx::query_as(self.client.sql(sql!("bulk/start")))
            .bind(id)
            .bind(request.verb.as_str())
            .bind(Json(&request.filter))
            .bind(queue)
            .bind(priority)
            .bind(request.rate)
            .bind(request.filter.created_before)
            .bind(by)
            .fetch_one(self.client)
            .await?)
    }

    /// The number of jobs that an operation would be about now, and whether those are all: it
    /// counts no longer than until the deadline.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if a field cannot be accepted; [`Error::Database`] if Postgres refused a
    /// statement or could not be reached.
    pub async fn count(
        self,
        request: &BulkRequest,
        deadline: impl Into<Option<Instant>>,
    ) -> Result<(i64, bool), Error> {
        request.check()?;
        if request.filter.names_only_queue_and_kind() {
            let count = sqlx::query_scalar(self.client.sql(sql!("bulk/count")))
                .bind(&request.filter.queue)
                .bind(&request.filter.kind)
                .bind(request.verb.is_of_dead_letters());
            return Ok((count.fetch_one(self.client.by_key()).await?, true));
        }
        let (deadline, mut after, mut count) = (deadline.into(), Uuid::nil(), 0);
        loop {
            let page = self.page(&request.verb, &request.filter, after, Self::BATCH, self.client.by_key()).await?;
            count += i64::try_from(page.jobs.len()).unwrap_or(i64::MAX);
            match page.next(Self::BATCH) {
                Some(last) if deadline.is_none_or(|deadline| Instant::now() < deadline) => after = last,
                next => return Ok((count, next.is_none())),
            }
        }
    }

    /// One operation; `None`: there is none with this id.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, id: Uuid) -> Result<Option<BulkOperation>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("bulk/get"))).bind(id).fetch_optional(self.client).await?)
    }

    /// Operations, the latest first: up to `limit`, before the one that the last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, limit: i64, before: Option<Uuid>) -> Result<Page<BulkOperation, Uuid>, Error> {
        let list = sqlx::query_as(self.client.sql(sql!("bulk/list"))).bind(limit.saturating_add(1)).bind(before);
        let found: Vec<BulkOperation> = list.fetch_all(self.client).await?;
        Ok(Page::of_one_more(found, limit, |operation| operation.id))
    }

    /// Ends an operation where it is. `None`: there is none with this id, or it had ended.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn cancel(self, id: Uuid) -> Result<Option<BulkOperation>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("bulk/cancel"))).bind(id).fetch_optional(self.client).await?)
    }
}

impl FromRow<'_, PgRow> for BulkOperation {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let Json(filter) = row.try_get("filter")?;
        let (finished_at, cancelled_at): (_, Option<DateTime<Utc>>) =
            (row.try_get("finished_at")?, row.try_get("cancelled_at")?);
        let state = match (cancelled_at, finished_at) {
            (Some(_), _) => BulkState::Cancelled,
            (None, Some(_)) => BulkState::Done,
            (None, None) => BulkState::Running,
        };
        Ok(Self {
            id: row.try_get("id")?,
            verb: row.try_get("verb")?,
            filter,
            queue: row.try_get("queue")?,
            priority: row.try_get("priority")?,
            rate: row.try_get("rate")?,
            state,
            looked: row.try_get("looked")?,
            done: row.try_get("done")?,
            skipped: row.try_get("skipped")?,
            last_error: row.try_get("last_error")?,
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
            started_at: row.try_get("started_at")?,
            finished_at,
        })
    }
}

impl BulkOperation {
    /// What is done to each job; an error is a row that somebody wrote by hand.
    pub(crate) fn verb(&self) -> sqlx::Result<BulkVerb> {
        BulkVerb::read(&self.verb, self.queue.clone(), self.priority)
            .map_err(|invalid| sqlx::Error::Decode(invalid.into()))
    }

    /// Jobs from then on are not meant.
    pub(crate) fn created_before(&self) -> DateTime<Utc> {
        self.filter.created_before.unwrap_or(self.created_at)
    }
}

/// Jobs of a filter, of those that were looked at.
#[derive(FromRow)]
pub(crate) struct Looked {
    pub(crate) looked: i64,
    pub(crate) last: Option<Uuid>,
    pub(crate) jobs: Vec<Uuid>,
}

impl Looked {
    /// The job behind which the next page begins, if there is one.
    pub(crate) fn next(&self, limit: i64) -> Option<Uuid> {
        self.last.filter(|_| self.looked == limit)
    }
}

impl Bulk<'_> {
    /// Maximum number of jobs that one transaction looks at.
    pub(crate) const BATCH: i64 = 2000;

    /// The next jobs of a filter.
    pub(crate) async fn page<'e>(
        self,
        verb: &BulkVerb,
        filter: &CancelFilter,
        after: Uuid,
        limit: i64,
        db: impl sqlx::PgExecutor<'e>,
    ) -> sqlx::Result<Looked> {
        let is_of_dead_letters = verb.is_of_dead_letters();
        let sql = if is_of_dead_letters { sql!("bulk/dead") } else { sql!("bulk/waiting") };
        let page = sqlx::query_as(self.client.sql(sql))
            .bind(&filter.queue)
            .bind(&filter.kind)
            .bind(&filter.tag)
            .bind(filter.task_id)
            .bind(&filter.tenant)
            .bind(filter.created_before.unwrap_or_else(Utc::now))
            .bind(after)
            .bind(limit)
            .bind(filter.created_after)
            .bind(&filter.args);
        let page = if is_of_dead_letters { page.bind(&filter.error_pattern) } else { page };
        page.fetch_one(db).await
    }
}
