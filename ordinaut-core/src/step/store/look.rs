//! Looking at what a job has recorded, and at what it waits for.

use crate::client::Jobs;
use crate::db::fields::Fields;
use crate::db::page::{PAGE_OCTETS, PAGE_ROWS, Page};
use crate::error::Error;
use crate::job::ciphertext;
use crate::step::record::{StepRecord, WaitRecord};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Maximum number of jobs on a page of approvals.
const MOST: i64 = 1000;

impl FromRow<'_, PgRow> for StepRecord {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        Ok(Self {
            name: fields.get("name")?,
            kind: fields.word("kind")?,
            attempt: fields.get("attempt")?,
            result: fields.json("result")?.map_or_else(Box::default, ciphertext::shown),
            began_at: fields.certain_instant("began_at")?,
            ended_at: fields.certain_instant("ended_at")?,
        })
    }
}

/// A step, and whether others follow the page.
#[derive(sqlx::FromRow)]
struct ListedStep {
    #[sqlx(flatten)]
    step: StepRecord,
    more: bool,
}

impl FromRow<'_, PgRow> for WaitRecord {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        Ok(Self {
            job_id: fields.get("job_id")?,
            name: fields.get("name")?,
            kind: fields.word("kind")?,
            topic: fields.get("topic")?,
            key: fields.get("key")?,
            question: fields.get("question")?,
            fallback: fields.get("fallback")?,
            awaited_job: fields.get("awaited_job")?,
            began_at: fields.certain_instant("began_at")?,
            until: fields.instant("until")?,
            answered_at: fields.instant("answered_at")?,
        })
    }
}

impl Jobs<'_> {
    /// What the job's handler has recorded, in its order: the first 500 steps, or fewer that are
    /// large. Empty for a job that records nothing, and for one that is not there.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn steps(self, job_id: Uuid) -> Result<Page<StepRecord, String>, Error> {
        self.steps_after(job_id, PAGE_ROWS, None).await
    }

    /// Up to `limit` steps behind the one that the last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn steps_after(
        self,
        job_id: Uuid,
        limit: i64,
        after: Option<&str>,
    ) -> Result<Page<StepRecord, String>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(Page::new(Vec::new(), None));
        }
        let steps: Vec<ListedStep> = sqlx::query_as(self.client.sql(sql!("step/list")))
            .bind(job_id)
            .bind(limit)
            .bind(PAGE_OCTETS)
            .bind(after)
            .fetch_all(self.client.by_key())
            .await?;
        let next = steps.last().filter(|last| last.more).map(|last| last.step.name.clone());
        Ok(Page::new(steps.into_iter().map(|listed| listed.step).collect(), next))
    }

    /// What the job's handler waits for.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn waits(self, job_id: Uuid) -> Result<Vec<WaitRecord>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(Vec::new());
        }
        Ok(sqlx::query_as(self.client.sql(sql!("step/waits"))).bind(job_id).fetch_all(self.client.by_key()).await?)
    }

    /// The approvals that up to `limit` jobs wait for, in the order of the jobs' ids, behind this
    /// job. The next page begins behind the last one's job.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn approvals(self, limit: i64, after: Option<Uuid>) -> Result<Vec<WaitRecord>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("step/approvals")))
            .bind(limit.clamp(1, MOST))
            .bind(after)
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues())
            .fetch_all(self.client)
            .await?)
    }
}
