//! Looking at what a task has done: its fires, the runs of its jobs, and how they went.

use crate::client::Tasks;
use crate::db::fields::Fields;
use crate::db::page::{PAGE_OCTETS, Page};
use crate::error::Error;
use crate::job::outcome::Outcome;
use crate::task::store::TaskStatus;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// A due instant of a task.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct FireRecord {
    /// The instant.
    pub scheduled_for: DateTime<Utc>,
    /// Why it made no job.
    pub skipped: Option<String>,
    /// The job that it made.
    pub job_id: Option<Uuid>,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// The job's state, while there is a row of it.
    pub state: Option<String>,
}

impl FromRow<'_, PgRow> for FireRecord {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        Ok(Self {
            scheduled_for: fields.certain_instant("scheduled_for")?,
            skipped: fields.get("skipped")?,
            job_id: fields.get("job_id")?,
            at: fields.certain_instant("at")?,
            state: fields.get("state")?,
        })
    }
}

/// A run of a job of a task.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct TaskRun {
    /// The job.
    pub job_id: Uuid,
    /// The instant that it is for; absent if an event made it.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The number of the claim.
    pub attempt: i32,
    /// When its handler started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong.
    pub error: Option<String>,
    /// Fields that cannot be shown, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// A run, and how many the statement has looked at.
struct ListedRun {
    run: TaskRun,
    walked: i64,
}

impl FromRow<'_, PgRow> for ListedRun {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let run = TaskRun {
            job_id: fields.get("job_id")?,
            scheduled_for: fields.instant("scheduled_for")?,
            attempt: fields.get("attempt")?,
            started_at: fields.instant("started_at")?,
            finished_at: fields.certain_instant("finished_at")?,
            outcome: fields.word("outcome")?,
            error: fields.get("error")?,
            unreadable: Vec::new(),
        };
        let walked = fields.get("walked")?;
        Ok(Self { run: TaskRun { unreadable: fields.unreadable(), ..run }, walked })
    }
}

/// How the runs of a task went.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct TaskStatistics {
    /// Their number.
    pub runs: i64,
    /// Number that succeeded.
    pub succeeded: i64,
    /// Number that failed, for the time being or for good, or were lost.
    pub failed: i64,
    /// What one took on average, in seconds.
    pub average: Option<f64>,
    /// What 95 of 100 took at most, in seconds.
    pub p95: Option<f64>,
    /// For each day (UTC): `day`, `runs`, `succeeded`.
    #[sqlx(json)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<TaskDay>))]
    pub per_day: Box<RawValue>,
}

/// What `per_day` has, for the document: what cannot be a date of Rust is passed on too.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "Postgres writes it")]
struct TaskDay {
    /// The day, of UTC.
    #[schema(format = Date)]
    day: String,
    /// Number of runs that ended.
    runs: i64,
    /// Number of these that succeeded.
    succeeded: i64,
}

/// Number of tasks that have a status.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct TaskCount {
    /// The status.
    #[sqlx(try_from = "String")]
    pub status: TaskStatus,
    /// Number that have it.
    pub tasks: i64,
    /// Number of these that the scheduler paused, because it could not tell when they are due.
    pub paused_by_error: i64,
    /// Number of their instants that were misfires.
    pub misfires: i64,
}

impl TaskStatistics {
    /// The share that succeeded of those that succeeded or failed.
    pub fn success_share(&self) -> Option<f64> {
        let ended = self.succeeded + self.failed;
        (ended > 0).then(|| self.succeeded as f64 / ended as f64)
    }
}

impl Tasks<'_> {
    /// Up to `limit` due instants of a task, the latest first, before one of them.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn fires(
        self,
        id: Uuid,
        limit: i64,
        before: Option<DateTime<Utc>>,
    ) -> Result<Page<FireRecord, DateTime<Utc>>, Error> {
        if !self.sees(id).await? {
            return Ok(Page::new(Vec::new(), None));
        }
        // A fire is small. One more than asked for shows whether there is a next page.
        let mut fires: Vec<FireRecord> = sqlx::query_as(self.client.sql(sql!("task/fires")))
            .bind(id)
            .bind(limit + 1)
            .bind(before)
            .fetch_all(self.client)
            .await?;
        let more = fires.len() as i64 > limit;
        if more {
            fires.pop();
        }
        let next = fires.last().map(|fire| fire.scheduled_for).filter(|_| more);
        Ok(Page::new(fires, next))
    }

    /// Up to `limit` runs of the jobs of a task, those of the newest job first, after one of them:
    /// its job and attempt.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn runs(
        self,
        id: Uuid,
        limit: i64,
        before: Option<(Uuid, i32)>,
    ) -> Result<Page<TaskRun, (Uuid, i32)>, Error> {
        if !self.sees(id).await? {
            return Ok(Page::new(Vec::new(), None));
        }
        let runs: Vec<ListedRun> = sqlx::query_as(self.client.sql(sql!("task/runs")))
            .bind(id)
            .bind(limit)
            .bind(before.map(|(job_id, _)| job_id))
            .bind(before.map(|(_, attempt)| attempt))
            .bind(PAGE_OCTETS)
            .fetch_all(self.client)
            .await?;
        let last = runs.last().filter(|last| last.walked > runs.len() as i64);
        let next = last.map(|last| (last.run.job_id, last.run.attempt));
        Ok(Page::new(runs.into_iter().map(|listed| listed.run).collect(), next))
    }

    /// Number of tasks. Counts every row: not for every second.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn counts(self) -> Result<Vec<TaskCount>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("task/counts"))).fetch_all(self.client).await?)
    }

    /// How the runs of a task went in the last `days` days.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn statistics(self, id: Uuid, days: i32) -> Result<TaskStatistics, Error> {
        // Of a task that the caller does not see as of one that is not there: nothing ran.
        let id = if self.sees(id).await? { id } else { Uuid::nil() };
        Ok(sqlx::query_as(self.client.sql(sql!("task/statistics"))).bind(id).bind(days).fetch_one(self.client).await?)
    }
}
