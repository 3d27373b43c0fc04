//! How far jobs have come.

use crate::client::{Jobs, Maintenance};
use crate::db::fields::Fields;
use crate::error::Error;
use crate::lease::store::Leases;
use crate::report::progress::{NewProgress, Progress};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use std::time::Duration;
use uuid::Uuid;

impl FromRow<'_, PgRow> for Progress {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        Ok(Self {
            attempt: fields.get("attempt")?,
            percent: fields.get("percent")?,
            note: fields.get("note")?,
            counter: fields.get("counter")?,
            reported_at: fields.certain_instant("reported_at")?,
            moved_at: fields.certain_instant("moved_at")?,
            stalls_after_seconds: fields.get("stalls_after_seconds")?,
            cancel_stalled: fields.get("cancel_stalled")?,
            stalled_at: fields.instant("stalled_at")?,
        })
    }
}

/// Numbers of jobs.
#[derive(Clone, Copy, Debug, FromRow)]
pub(crate) struct Stalled {
    pub(crate) stalled: i64,
    /// Of these, those that were asked to stop.
    pub(crate) asked: i64,
}

impl Leases<'_> {
    /// Keeps how far attempts have come, one of each job, as [checked](NewProgress::check). The
    /// jobs and attempts whose progress was written: of the others the lease was lost, and nothing
    /// was written.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn report_progress(self, reports: &[NewProgress]) -> Result<Vec<(Uuid, i32)>, Error> {
        let tokens = || reports.iter().map(|report| report.token);
        let written = sqlx::query_as(self.sql(sql!("report/progress_write")))
            .bind(tokens().map(|token| token.job_id).collect::<Vec<_>>())
            .bind(tokens().map(|token| token.attempt).collect::<Vec<_>>())
            .bind(tokens().map(|token| token.session).collect::<Vec<_>>())
            .bind(tokens().map(|token| token.nonce).collect::<Vec<_>>())
            .bind(reports.iter().map(|report| report.percent).collect::<Vec<_>>())
            .bind(reports.iter().map(|report| report.note.as_deref()).collect::<Vec<_>>())
            .bind(reports.iter().map(|report| report.counter).collect::<Vec<_>>())
            .bind(
                reports
                    .iter()
                    .map(|report| report.stalls_after.as_ref().map(Duration::as_secs_f64))
                    .collect::<Vec<_>>(),
            )
            .bind(reports.iter().map(|report| report.cancel_stalled).collect::<Vec<_>>());
        Ok(written.fetch_all(self.executor).await?)
    }
}

impl Jobs<'_> {
    /// How far a job has come; `None`: it has not said so.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn progress(self, job_id: Uuid) -> Result<Option<Progress>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(None);
        }
        let progress = sqlx::query_as(self.client.sql(sql!("report/progress_get"))).bind(job_id);
        Ok(progress.fetch_optional(self.client.by_key()).await?)
    }

    /// Number of running jobs, of all callers, whose progress has not changed for as long as it
    /// should.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn count_stalled(self) -> Result<i64, Error> {
        let count = sqlx::query_scalar(self.client.sql(sql!("report/stalled_count")));
        Ok(count.fetch_one(self.client.by_key()).await?)
    }
}

impl Maintenance<'_> {
    /// Marks up to `limit` jobs as stalled that do not move, and asks those to stop whose kinds
    /// want that.
    pub(crate) async fn mark_stalled(self, limit: i64) -> sqlx::Result<Stalled> {
        sqlx::query_as(self.client.sql(sql!("report/stalled"))).bind(limit).fetch_one(self.client.by_key()).await
    }
}
