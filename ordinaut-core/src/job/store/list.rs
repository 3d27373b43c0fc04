//! One look at a list of jobs.

use crate::client::Jobs;
use crate::db::fields::Fields;
use crate::db::page::PAGE_OCTETS;
use crate::job::ciphertext;
use crate::job::filter::{Asked, JobFilter, Source};
use crate::job::state::JobState;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// Octets of `due_work` that are read for the jobs that run: about a million jobs, in a tenth of a
/// second.
const LOOKED_THROUGH: i64 = 200 * 1024 * 1024;

/// A line in a list of jobs.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Whose job it is.
    pub tenant: Option<String>,
    /// The task that made it.
    pub task_id: Option<Uuid>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// Derived from where its rows are.
    pub state: JobState,
    /// The number of the last claim; 0 before the first.
    pub attempt: i32,
    /// When it is due; absent once it has ended.
    pub run_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Its arguments, if the list was to have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Value, required = false))]
    pub args: Option<Box<RawValue>>,
    /// Fields that cannot be shown, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// A job if the row has one, and where the next look goes on, which every row says.
pub(crate) struct Listed {
    pub(crate) job: Option<JobSummary>,
    pub(crate) next: Option<Uuid>,
}

impl FromRow<'_, PgRow> for Listed {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let next = fields.get("next")?;
        let Some(id) = fields.get("id")? else { return Ok(Self { job: None, next }) };
        let job = JobSummary {
            id,
            kind: fields.get("kind")?,
            queue: fields.get("queue")?,
            priority: fields.get("priority")?,
            tags: fields.get("tags")?,
            tenant: fields.get("tenant")?,
            task_id: fields.get("task_id")?,
            created_at: fields.certain_instant("created_at")?,
            state: fields.word("state")?,
            attempt: fields.get("attempt")?,
            run_at: fields.instant("run_at")?,
            finished_at: fields.instant("finished_at")?,
            args: None,
            unreadable: Vec::new(),
        };
        Ok(Self { job: Some(JobSummary { unreadable: fields.unreadable(), ..job }), next })
    }
}

/// What a list is about, as the statement wants it.
pub(crate) struct Look<'a> {
    pub(crate) filter: &'a JobFilter,
    pub(crate) source: Source,
    pub(crate) asked: Asked,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) queues: Option<&'a [String]>,
    pub(crate) sessions: Option<Vec<i64>>,
    /// The jobs themselves, if they are those that run.
    pub(crate) given: Option<Vec<Uuid>>,
}

/// The sessions of a worker.
#[derive(sqlx::FromRow)]
pub(crate) struct SessionsOf {
    pub(crate) sessions: Vec<i64>,
    /// When the last of them ended; `None`: one lives.
    pub(crate) ended_at: Option<DateTime<Utc>>,
}

impl SessionsOf {
    /// The sessions of who was asked for: its row may be gone, and its attempts be kept.
    pub(crate) fn named(self, worker: &str) -> Vec<i64> {
        if self.sessions.is_empty() { worker.parse().into_iter().collect() } else { self.sessions }
    }
}

impl Jobs<'_> {
    /// Up to `limit` jobs of the ids from `low` to below `high`, among the next `rows` of the
    /// source.
    pub(crate) async fn look(
        self,
        look: &Look<'_>,
        (low, high): (Uuid, Uuid),
        rows: i64,
        limit: i64,
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<Listed>> {
        let Look { filter, source, asked, tenant, queues, sessions, given } = look;
        let statement = if filter.oldest_first {
            self.client.sql(sql!("job/list_oldest"))
        } else {
            self.client.sql(sql!("job/list"))
        };
        sqlx::query_as(statement)
            .bind(source.word())
            .bind(low)
            .bind(high)
            .bind(rows)
            .bind(limit)
            .bind(filter.state.map(JobState::as_str))
            .bind(&filter.kind)
            .bind(&filter.queue)
            .bind(queues)
            .bind(&filter.tag)
            .bind(tenant)
            .bind(filter.task_id)
            .bind(&filter.args)
            .bind(sessions)
            .bind(filter.finished_after)
            .bind(filter.finished_before)
            .bind(&filter.error)
            .bind(asked.job)
            .bind(asked.run)
            .bind(asked.state)
            .bind(given)
            .bind(filter.batch)
            .fetch_all(db)
            .await
    }

    /// The first of the jobs that run; `None`: too many wait to look through them.
    pub(crate) async fn running(
        self,
        look: &Look<'_>,
        (low, high): (Uuid, Uuid),
        rows: i64,
    ) -> sqlx::Result<Option<Vec<Uuid>>> {
        let Look { filter, sessions, .. } = look;
        sqlx::query_scalar(self.client.sql(sql!("job/list_running")))
            .bind(low)
            .bind(high)
            .bind(filter.oldest_first)
            .bind(rows)
            .bind(&filter.kind)
            .bind(&filter.queue)
            .bind(sessions)
            .bind(LOOKED_THROUGH)
            .bind(self.client.schema().to_string())
            .fetch_one(self.client)
            .await
    }

    /// The arguments of the first of these jobs: of as many as a page has room for.
    pub(crate) async fn args_of(self, ids: &[Uuid], db: &mut PgConnection) -> sqlx::Result<Vec<Option<Box<RawValue>>>> {
        let texts: Vec<Option<String>> = sqlx::query_scalar(self.client.sql(sql!("job/list_args")))
            .bind(ids)
            .bind(PAGE_OCTETS)
            .fetch_all(db)
            .await?;
        let read = |text| RawValue::from_string(text).map(ciphertext::shown);
        texts
            .into_iter()
            .map(|text| text.map(read).transpose().map_err(|error| sqlx::Error::Decode(error.into())))
            .collect()
    }

    /// The number of rows of its source that the planner expects to be of a list.
    pub(crate) async fn expected(self, look: &Look<'_>, (low, high): (Uuid, Uuid)) -> sqlx::Result<i64> {
        let Look { filter, source, tenant, queues, .. } = look;
        let plan: Value = sqlx::query_scalar(self.client.sql(sql!("job/estimate")))
            .bind(source.word())
            .bind(low)
            .bind(high)
            .bind(filter.state.map(JobState::as_str))
            .bind(&filter.kind)
            .bind(&filter.queue)
            .bind(queues)
            .bind(&filter.tag)
            .bind(tenant)
            .bind(filter.task_id)
            .bind(&filter.args)
            .bind(filter.batch)
            .fetch_one(self.client)
            .await?;
        let rows = plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_f64);
        rows.map(|rows| rows as i64).ok_or_else(|| sqlx::Error::Decode("the plan does not say its rows".into()))
    }

    /// The sessions of a worker, known by its name or one session.
    pub(crate) async fn sessions_of(self, worker: &str) -> sqlx::Result<SessionsOf> {
        sqlx::query_as(self.client.sql(sql!("fleet/sessions_of"))).bind(worker).fetch_one(self.client).await
    }
}
