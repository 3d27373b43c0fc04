//! What an operator does to a job: cancel it, run it now.

use crate::client::Jobs;
use crate::db::schema::Schema;
use crate::error::Error;
use sqlx::PgExecutor;
use std::collections::HashMap;
use uuid::Uuid;

/// Maximum number of times that a cancel looks again for a job that others keep moving; each look
/// has a new snapshot.
const LOOKS: usize = 20;

/// The answer to a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancelled {
    /// It will not run.
    Now,
    /// It is running, and its handler was asked to stop. It gets no further attempt.
    Asked,
    /// It had ended.
    TooLate,
    /// No job has this id.
    Unknown,
}

/// The answer to running a job now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunNow {
    /// It is due.
    Now,
    /// It was due already, or runs.
    AlreadyDue,
    /// It is set aside, until the reason for that has ended.
    Parked,
    /// It had ended.
    TooLate,
    /// No job has this id.
    Unknown,
}

impl Jobs<'_> {
    /// Cancels a job, without notifying the worker that runs it.
    pub(crate) async fn cancel_one(self, job_id: Uuid) -> sqlx::Result<Cancelled> {
        if !self.client.sees(job_id).await? {
            return Ok(Cancelled::Unknown);
        }
        for _ in 0..LOOKS {
            let answer: String = sqlx::query_scalar(self.client.sql(sql!("job/cancel")))
                .bind(job_id)
                .fetch_one(self.client.by_key())
                .await?;
            return Ok(match &*answer {
                "now" => Cancelled::Now,
                "asked" => Cancelled::Asked,
                "too_late" => Cancelled::TooLate,
                "unknown" => Cancelled::Unknown,
                _ => continue,
            });
        }
        Err(sqlx::Error::Protocol(format!("could not cancel job {job_id}: other transactions moved it {LOOKS} times")))
    }

    /// Makes a job that waits for a later time due at once.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn run_now(self, job_id: Uuid) -> Result<RunNow, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(RunNow::Unknown);
        }
        let answers = run_now_in(self.client.by_key(), self.client.schema(), &[job_id]).await?;
        Ok(match answers.get(&job_id).map(String::as_str) {
            Some("now") => RunNow::Now,
            Some("already_due") => RunNow::AlreadyDue,
            Some("parked") => RunNow::Parked,
            Some("too_late") => RunNow::TooLate,
            _ => RunNow::Unknown,
        })
    }
}

/// Makes jobs that wait for a later time due at once, and says of each what became of it.
pub(crate) async fn run_now_in<'e>(
    db: impl PgExecutor<'e>,
    schema: &Schema,
    jobs: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, String>> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(schema.sql(sql!("job/run_now"))).bind(jobs).fetch_all(db).await?;
    Ok(rows.into_iter().collect())
}
