//! Looking at jobs: one with its attempts, or a page of many.

use super::database::Database;
use crate::vocabulary::envelope;
use crate::vocabulary::outcome::Outcome;
use crate::vocabulary::state::JobState;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A job with its state.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
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
    #[sqlx(json)]
    pub args: Box<RawValue>,
    /// How many attempts may fail; the worker's setting if absent.
    pub max_attempts: Option<i16>,
    /// Seconds that one attempt may take; the worker's setting if absent.
    pub timeout: Option<f64>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The instant that was asked for.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// Whose job it is.
    pub tenant: Option<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// Derived from where its rows are.
    #[sqlx(try_from = "String")]
    pub state: JobState,
    /// The number of the last claim; 0 before the first.
    pub attempt: i32,
    /// How many attempts failed since it was enqueued or requeued.
    pub failures: i16,
    /// When it is, or was, due; absent once it has ended.
    pub run_at: Option<DateTime<Utc>>,
    /// The session that runs it.
    #[serde(serialize_with = "session_text")]
    pub session: Option<i64>,
    /// Whether its handler was asked to stop.
    pub cancel_asked: bool,
    /// Whether a living worker of its queue can run its kind.
    pub has_worker: bool,
    /// Whether nobody may claim from its queue now.
    pub queue_paused: bool,
}

/// A session as JSON: text, because a number of 63 bits is rounded by whoever reads numbers as JavaScript does.
pub(super) fn session_text<S: Serializer>(session: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    session.map(|session| session.to_string()).serialize(to)
}

impl JobDetails {
    /// Why a job does not run, if that can be told.
    pub fn why_it_waits(&self) -> Option<&'static str> {
        match self.state {
            JobState::Waiting if self.queue_paused => Some("its queue is paused"),
            JobState::Waiting if !self.has_worker => Some("no worker handles this kind"),
            JobState::Parked => Some("its task is paused, or another job works under its concurrency key"),
            _ => None,
        }
    }
}

/// The record of one attempt that ended.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct RunRecord {
    /// The number of the claim.
    pub attempt: i32,
    /// The session that ran it; absent if it ended without being run.
    #[serde(serialize_with = "session_text")]
    pub session: Option<i64>,
    /// When its handler started; absent if it never did, or if only a dead process knew.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How it ended.
    #[sqlx(try_from = "String")]
    pub outcome: Outcome,
    /// What went wrong.
    pub error: Option<String>,
    /// What the handler left.
    #[sqlx(json(nullable))]
    pub output: Option<Box<RawValue>>,
}

/// A line in a list of jobs.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct JobSummary {
    /// Made by the client.
    pub id: Uuid,
    /// What kind of job it is.
    pub kind: String,
    /// Where it waits.
    pub queue: String,
    /// 1 is most urgent, 9 least.
    pub priority: i16,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// Derived from where its rows are.
    #[sqlx(try_from = "String")]
    pub state: JobState,
    /// The number of the last claim; 0 before the first.
    pub attempt: i32,
    /// When it is due; absent once it has ended.
    pub run_at: Option<DateTime<Utc>>,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only jobs older than this one: the last of the page before.
    pub before: Option<Uuid>,
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs of this kind.
    pub kind: Option<String>,
    /// Only jobs of this queue.
    pub queue: Option<String>,
}

impl Database {
    /// One job, or `None` if there is none.
    pub async fn job(&self, id: Uuid) -> sqlx::Result<Option<JobDetails>> {
        let found: Option<JobDetails> = sqlx::query_as(self.sql(include_str!("../../sql/look/job.sql")))
            .bind(id)
            .fetch_optional(self.by_key())
            .await?;
        Ok(found.map(|job| JobDetails { args: envelope::shown(job.args), ..job }))
    }

    /// The attempts of a job that ended, in their order.
    pub async fn runs(&self, job_id: Uuid) -> sqlx::Result<Vec<RunRecord>> {
        sqlx::query_as(self.sql(include_str!("../../sql/look/runs.sql"))).bind(job_id).fetch_all(self.by_key()).await
    }

    /// Up to `limit` jobs, newest first.
    pub async fn jobs(&self, filter: &JobFilter, limit: i64) -> sqlx::Result<Vec<JobSummary>> {
        sqlx::query_as(self.sql(include_str!("../../sql/look/jobs.sql")))
            .bind(limit)
            .bind(filter.before)
            .bind(filter.state.map(JobState::as_str))
            .bind(&filter.kind)
            .bind(&filter.queue)
            .fetch_all(self.by_key())
            .await
    }
}
