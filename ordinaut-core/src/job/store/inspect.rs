//! Looking at one job with its attempts.

use crate::client::Jobs;
use crate::db::fields::Fields;
use crate::db::page::{PAGE_OCTETS, Page};
use crate::error::Error;
use crate::job::ciphertext;
use crate::job::outcome::Outcome;
use crate::job::state::JobState;
use crate::job::trace::Trace;
use crate::job::wait::{Crew, Parked, Wait, why};
use crate::placement::request::Placement;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

/// Attempts of a job that are shown with it.
const LAST_RUNS: i64 = 100;

/// A job with its state.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct JobDetails {
    /// Made by the client.
    pub id: Uuid,
    /// What kind of job it is.
    pub kind: String,
    /// Where it waits.
    pub queue: String,
    /// 1 is most urgent, 9 least.
    pub priority: i16,
    /// Its arguments; of encrypted ones only with which key: `{"encrypted": true, "key": "k2"}`.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub args: Box<RawValue>,
    /// Number of attempts that may fail; the worker's setting if absent.
    pub max_attempts: Option<i16>,
    /// Seconds that one attempt may take; the worker's setting if absent.
    pub timeout: Option<f64>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The instant that was asked for.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// Whose job it is.
    pub tenant: Option<String>,
    /// The batch that it is a member of, or that calls it.
    pub batch_id: Option<Uuid>,
    /// What it asks of the worker that runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub placement: Option<Placement>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// The number of the request that enqueued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub request_id: Option<String>,
    /// The W3C traceparent of that request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub traceparent: Option<String>,
    /// Derived from where its rows are.
    pub state: JobState,
    /// The number of the last claim; 0 before the first.
    pub attempt: i32,
    /// Number of attempts that failed since it was enqueued or requeued.
    pub failures: i16,
    /// When it is, or was, due; absent once it has ended.
    pub run_at: Option<DateTime<Utc>>,
    /// The session that runs it.
    #[serde(serialize_with = "session_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub session: Option<i64>,
    /// Whether its handler was asked to stop.
    pub cancel_asked: bool,
    /// Whether a living worker of its queue can run its kind.
    pub has_worker: bool,
    /// Whether nobody may claim from its queue now.
    pub queue_paused: bool,
    /// Why it waits, if it does and that can be told.
    pub waits: Option<Wait>,
    /// Fields that cannot be shown, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// A session as JSON: text, because a number of 63 bits is rounded by programs that read numbers as
/// JavaScript does.
pub(crate) fn session_text<S: Serializer>(session: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    session.map(|session| session.to_string()).serialize(to)
}

impl JobDetails {
    /// Why a job does not run, if that can be told.
    pub fn why_it_waits(&self) -> Option<&Wait> {
        self.waits.as_ref()
    }
}

impl FromRow<'_, PgRow> for JobDetails {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let state = fields.word("state")?;
        let (reason, key): (Option<String>, Option<String>) = (fields.get("parked_reason")?, fields.get("parked_key")?);
        let parked = reason.zip(key).map(|(reason, key)| Parked { reason, key });
        let crew = Crew {
            alive: fields.get("alive")?,
            serving: fields.get("serving")?,
            able: fields.get("able")?,
            willing: fields.get("willing")?,
            free: fields.get("free")?,
        };
        let queue_paused = fields.get("queue_paused")?;
        let trace: Option<String> = fields.get("trace_context")?;
        let Trace { request_id, traceparent } = trace.as_deref().map(Trace::of_stored).unwrap_or_default();
        let job = Self {
            id: fields.get("id")?,
            kind: fields.get("kind")?,
            queue: fields.get("queue")?,
            priority: fields.get("priority")?,
            args: ciphertext::shown(fields.json("args")?.unwrap_or_default()),
            max_attempts: fields.get("max_attempts")?,
            timeout: fields.get("timeout")?,
            tags: fields.get("tags")?,
            scheduled_for: fields.instant("scheduled_for")?,
            tenant: fields.get("tenant")?,
            batch_id: fields.get("batch_id")?,
            placement: fields.get::<Option<Json<_>>>("placement")?.map(|Json(placement)| placement),
            created_at: fields.certain_instant("created_at")?,
            request_id,
            traceparent,
            state,
            attempt: fields.get("attempt")?,
            failures: fields.get("failures")?,
            run_at: fields.instant("run_at")?,
            session: fields.get("session")?,
            cancel_asked: fields.get("cancel_asked")?,
            has_worker: crew.able > 0,
            queue_paused,
            waits: why(state, parked.as_ref(), queue_paused, crew),
            unreadable: Vec::new(),
        };
        Ok(Self { unreadable: fields.unreadable(), ..job })
    }
}

/// The record of one attempt that ended.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RunRecord {
    /// The number of the claim.
    pub attempt: i32,
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
    /// What went wrong.
    pub error: Option<String>,
    /// What the handler left.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub output: Option<Box<RawValue>>,
    /// Fields that cannot be shown, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// A run, and how many the statement has looked at.
pub(crate) struct ListedRun {
    pub(crate) run: RunRecord,
    walked: i64,
}

impl FromRow<'_, PgRow> for ListedRun {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let run = RunRecord {
            attempt: fields.get("attempt")?,
            session: fields.get("session")?,
            started_at: fields.instant("started_at")?,
            finished_at: fields.certain_instant("finished_at")?,
            outcome: fields.word("outcome")?,
            error: fields.get("error")?,
            output: fields.json("output")?,
            unreadable: Vec::new(),
        };
        let walked = fields.get("walked")?;
        Ok(Self { run: RunRecord { unreadable: fields.unreadable(), ..run }, walked })
    }
}

impl Jobs<'_> {
    /// One job, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, id: Uuid) -> Result<Option<JobDetails>, Error> {
        if !self.client.sees(id).await? {
            return Ok(None);
        }
        Ok(sqlx::query_as(self.client.sql(sql!("job/get"))).bind(id).fetch_optional(self.client.by_key()).await?)
    }

    /// The last attempts of a job that ended, in their order: a hundred, or fewer that are large.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn runs(self, job_id: Uuid) -> Result<Page<RunRecord, i32>, Error> {
        self.runs_before(job_id, LAST_RUNS, None).await
    }

    /// Up to `limit` attempts of a job that ended, in their order: the last before the attempt that
    /// the last page began with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn runs_before(
        self,
        job_id: Uuid,
        limit: i64,
        before: Option<i32>,
    ) -> Result<Page<RunRecord, i32>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(Page::new(Vec::new(), None));
        }
        let runs: Vec<ListedRun> = sqlx::query_as(self.client.sql(sql!("job/runs")))
            .bind(job_id)
            .bind(limit)
            .bind(PAGE_OCTETS)
            .bind(before)
            .fetch_all(self.client.by_key())
            .await?;
        let first = runs.first().filter(|first| first.walked > runs.len() as i64);
        let next = first.map(|first| first.run.attempt);
        Ok(Page::new(runs.into_iter().map(|listed| listed.run).collect(), next))
    }
}
