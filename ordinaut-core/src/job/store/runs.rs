//! Attempts that ended, of all jobs.

use crate::client::Runs;
use crate::db::fields::Fields;
use crate::error::Error;
use crate::job::outcome::Outcome;
use crate::job::run_filter::{RunCursor, RunFilter};
use crate::job::store::inspect::{ListedRun, RunRecord, session_text};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// A line in a list of attempts. Its output, and an error beyond a thousand characters, are with
/// the attempt itself.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RunSummary {
    /// The job.
    pub job_id: Uuid,
    /// The number of the claim.
    pub attempt: i32,
    /// What kind of job it is; absent if its own row is gone.
    pub kind: Option<String>,
    /// The queue of the job.
    pub queue: Option<String>,
    /// The session that ran it; absent if it ended without being run.
    #[serde(serialize_with = "session_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub session: Option<i64>,
    /// When its handler started; absent if it never did, or if only a dead process knew.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong: the first thousand characters.
    pub error: Option<String>,
    /// Fields that cannot be shown, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// An attempt if the row has one, and where the next look goes on, which every row says.
pub(crate) struct LookedRun {
    pub(crate) run: Option<RunSummary>,
    pub(crate) next: Option<RunCursor>,
}

impl FromRow<'_, PgRow> for LookedRun {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let next: (Option<Uuid>, Option<i32>) = (fields.get("next_job")?, fields.get("next_attempt")?);
        let next = next.0.zip(next.1).map(|(job_id, attempt)| RunCursor { job_id, attempt });
        let Some(job_id) = fields.get("job_id")? else { return Ok(Self { run: None, next }) };
        let run = RunSummary {
            job_id,
            attempt: fields.get("attempt")?,
            kind: fields.get("kind")?,
            queue: fields.get("queue")?,
            session: fields.get("session")?,
            started_at: fields.instant("started_at")?,
            finished_at: fields.certain_instant("finished_at")?,
            outcome: fields.word("outcome")?,
            error: fields.get("error")?,
            unreadable: Vec::new(),
        };
        Ok(Self { run: Some(RunSummary { unreadable: fields.unreadable(), ..run }), next })
    }
}

impl Runs<'_> {
    /// One attempt that ended, with its error and output; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, job_id: Uuid, attempt: i32) -> Result<Option<RunRecord>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(None);
        }
        let run: Option<ListedRun> = sqlx::query_as(self.client.sql(sql!("job/run_get")))
            .bind(job_id)
            .bind(attempt)
            .fetch_optional(self.client.by_key())
            .await?;
        Ok(run.map(|listed| listed.run))
    }

    /// Up to `limit` attempts among the next `rows` after one of them.
    pub(crate) async fn look(
        self,
        filter: &RunFilter,
        sessions: Option<&[i64]>,
        after: RunCursor,
        (rows, limit): (i64, i64),
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<LookedRun>> {
        sqlx::query_as(self.client.sql(sql!("job/run_list")))
            .bind(limit)
            .bind(rows)
            .bind(after.job_id)
            .bind(after.attempt)
            .bind(filter.is_of_failures())
            .bind(filter.outcome.map(Outcome::as_str))
            .bind(sessions)
            .bind(filter.started_after)
            .bind(filter.started_before)
            .bind(&filter.error)
            .bind(filter.job_id)
            .bind(&filter.kind)
            .bind(&filter.queue)
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues())
            .fetch_all(db)
            .await
    }
}
