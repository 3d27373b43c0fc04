//! The rows of tasks: stored definitions that make jobs.

pub(crate) mod calendar;
pub(crate) mod due;
pub(crate) mod fact;
pub(crate) mod fire;
pub(crate) mod fires;
pub(crate) mod inspect;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod service;

use crate::client::Tasks;
use crate::db::page::Unreadable;
use crate::error::Error;
use crate::schedule::condition_state::ConditionState;
use crate::schedule::kind::ScheduleKind;
use crate::schedule::timezone::zone_data;
use crate::task::definition::TaskDefinition;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, PgExecutor, Row};
use uuid::Uuid;

/// A stored task.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Task {
    /// Made when it was created.
    pub id: Uuid,
    /// What it runs, and when.
    #[sqlx(json)]
    #[serde(flatten)]
    pub definition: TaskDefinition,
    /// Whether it makes jobs.
    #[sqlx(try_from = "String")]
    pub status: TaskStatus,
    /// Why the scheduler paused it.
    pub last_error: Option<String>,
    /// When it is due next; absent if it is paused, cancelled or over, or does not go by the clock.
    pub next_run_at: Option<DateTime<Utc>>,
    /// Number of its instants that were later than the grace when a scheduler saw them: fired late,
    /// or skipped.
    pub misfires: i64,
    /// Grows with each change; a change may name the one that was seen.
    pub version: i64,
    /// The agent that created it; absent if that was not done through the API.
    pub created_by: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When somebody last changed it.
    pub updated_at: DateTime<Utc>,
}

/// Whether a task makes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskStatus {
    /// It does.
    Active,
    /// It does not, and its waiting jobs are set aside.
    Paused,
    /// It never will again.
    Cancelled,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Cancelled];

    /// The word in the table `task`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for TaskStatus {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| format!("no status of a task is called {word:?}: active, paused, cancelled"))
    }
}

impl TryFrom<String> for TaskStatus {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

/// Which tasks to list: those to which everything applies that is said.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TaskFilter {
    /// Only tasks older than this one: the last of the page before.
    pub before: Option<Uuid>,
    /// Only tasks of this status.
    pub status: Option<TaskStatus>,
    /// Only tasks that make jobs of this kind.
    pub kind: Option<String>,
    /// Only tasks whose jobs wait in this queue.
    pub queue: Option<String>,
    /// Only tasks with a schedule of this kind.
    pub schedule_kind: Option<ScheduleKind>,
    /// Only tasks with this in their title.
    pub title: Option<String>,
    /// Only tasks that this agent created.
    pub created_by: Option<String>,
    /// Only tasks with this in their title or description.
    pub text: Option<String>,
}

impl TaskFilter {
    /// Only tasks older than this one.
    #[must_use]
    pub fn before(mut self, before: Uuid) -> Self {
        self.before = Some(before);
        self
    }

    /// Only tasks of this status.
    #[must_use]
    pub fn status(mut self, status: TaskStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only tasks that make jobs of this kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Only tasks whose jobs wait in this queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Only tasks with a schedule of this kind.
    #[must_use]
    pub fn schedule_kind(mut self, schedule_kind: ScheduleKind) -> Self {
        self.schedule_kind = Some(schedule_kind);
        self
    }

    /// Only tasks with this in their title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }
}

/// A task whose row this transaction holds, and the database's clock.
#[derive(sqlx::FromRow)]
pub(crate) struct Held {
    #[sqlx(flatten)]
    pub(crate) task: Task,
    /// Of a condition: what was seen of it.
    pub(crate) condition_state: Option<Json<ConditionState>>,
    pub(crate) now: DateTime<Utc>,
}

impl Tasks<'_> {
    /// One task, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the stored definition cannot be read by this version
    /// ([`Tasks::why_unreadable`] says why), or if Postgres refused the statement or could not be
    /// reached.
    pub async fn get(self, id: Uuid) -> Result<Option<Task>, Error> {
        let mut tx = self.client.begin().await?;
        Ok(self.task_on(id, &mut tx).await?)
    }

    /// As [`Tasks::get`](crate::client::Tasks::get), for who has a connection: taking another one
    /// from the pool could wait for itself.
    pub(crate) async fn task_on(self, id: Uuid, db: &mut PgConnection) -> sqlx::Result<Option<Task>> {
        self.task_row(id, db).await?.map(|row| Task::from_row(&row)).transpose()
    }

    async fn task_row(self, id: Uuid, db: &mut PgConnection) -> sqlx::Result<Option<PgRow>> {
        sqlx::query(self.client.sql(sql!("task/get")))
            .bind(id)
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues())
            .fetch_optional(db)
            .await
    }

    /// What schedulers saw of a task's condition.
    pub(crate) async fn condition_state_of(
        self,
        id: Uuid,
        db: &mut PgConnection,
    ) -> sqlx::Result<Option<ConditionState>> {
        let Some(row) = self.task_row(id, db).await? else { return Ok(None) };
        Ok(row.try_get::<Option<Json<ConditionState>>, _>("condition_state")?.map(|Json(state)| state))
    }

    /// Whether the caller sees a task, if there is one. Asks nobody for a caller who sees
    /// everything.
    pub(crate) async fn sees(self, id: Uuid) -> sqlx::Result<bool> {
        Ok(self.client.sight().is_none() || !self.visible(&[id]).await?.is_empty())
    }

    /// Those of the tasks that the caller sees.
    pub(crate) async fn visible(self, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("task/visible")))
            .bind(ids)
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues())
            .fetch_all(self.client)
            .await
    }

    /// The database's clock.
    pub(crate) async fn now<'e>(self, db: impl PgExecutor<'e>) -> sqlx::Result<DateTime<Utc>> {
        sqlx::query_scalar(self.client.sql(sql!("task/now"))).fetch_one(db).await
    }

    /// Inserts a task whose next instant is counted from now; if another one holds its key, that
    /// one's id is returned.
    pub(crate) async fn insert_task(
        self,
        id: Uuid,
        definition: &TaskDefinition,
        next_run_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        db: &mut PgConnection,
    ) -> sqlx::Result<Uuid> {
        loop {
            let answer = sqlx::query_scalar(self.client.sql(sql!("task/create")))
                .bind(id)
                .bind(Json(definition))
                .bind(next_run_at)
                .bind(definition.held_key())
                .bind(definition.dedupe_window)
                .bind(now)
                .bind(zone_data())
                .bind(self.client.agent())
                .fetch_optional(&mut *db)
                .await?;
            // Nothing: somebody with the same key was faster, and the next statement sees them.
            if let Some(id) = answer {
                return Ok(id);
            }
        }
    }

    /// A task, which nobody else changes or fires until the transaction ends.
    pub(crate) async fn hold_task(self, id: Uuid, db: &mut PgConnection) -> sqlx::Result<Option<Held>> {
        sqlx::query_as(self.client.sql(sql!("task/hold")))
            .bind(id)
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues())
            .fetch_optional(db)
            .await
    }

    /// Writes what was decided of a task that is held. `counted`: its next instant is the
    /// schedule's first one from now on.
    pub(crate) async fn store_task(self, held: &Held, counted: bool, db: &mut PgConnection) -> sqlx::Result<Task> {
        sqlx::query_as(self.client.sql(sql!("task/change")))
            .bind(held.task.id)
            .bind(Json(&held.task.definition))
            .bind(held.task.status.as_str())
            .bind(held.task.next_run_at)
            .bind(held.condition_state)
            .bind(counted.then_some(held.now))
            .bind(zone_data())
            .fetch_one(db)
            .await
    }

    /// Pauses or cancels a task, which may be one that cannot be read; false: it was cancelled, or
    /// there is none.
    pub(crate) async fn stop_task(self, id: Uuid, to: TaskStatus, db: &mut PgConnection) -> sqlx::Result<bool> {
        let stop = sqlx::query(self.client.sql(sql!("task/stop")))
            .bind(id)
            .bind(to.as_str())
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues());
        Ok(stop.fetch_optional(db).await?.is_some())
    }

    /// A task as it is shown, and why it cannot be read if it cannot; `None` if there is none.
    pub(crate) async fn task_or_reason(
        self,
        id: Uuid,
        db: &mut PgConnection,
    ) -> sqlx::Result<Option<(Option<Task>, Option<Unreadable>)>> {
        let Some(row) = self.task_row(id, db).await? else { return Ok(None) };
        Ok(Some(match Task::from_row(&row) {
            Ok(task) => (Some(task), None),
            Err(error) => {
                let reason = match error {
                    sqlx::Error::ColumnDecode { index, source } => format!("{}: {source}", index.trim_matches('"')),
                    other => other.to_string(),
                };
                (None, Some(Unreadable { id: id.to_string(), title: row.try_get("title")?, reason }))
            }
        }))
    }

    /// Why a task cannot be read, if there is one and it cannot.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn why_unreadable(self, id: Uuid) -> Result<Option<Unreadable>, Error> {
        let mut tx = self.client.begin().await?;
        Ok(self.task_or_reason(id, &mut tx).await?.and_then(|(_, unreadable)| unreadable))
    }

    /// Lets others use the key of a task.
    pub(crate) async fn release_task_key(self, id: Uuid, db: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("task/release_key"))).bind(id).execute(db).await.map(drop)
    }

    /// Removes a task; false: there was none.
    pub(crate) async fn remove_task(self, id: Uuid, db: &mut PgConnection) -> sqlx::Result<bool> {
        let gone = sqlx::query(self.client.sql(sql!("task/delete"))).bind(id).execute(db).await?;
        Ok(gone.rows_affected() > 0)
    }

    /// Sets the waiting jobs of a paused task aside, or those of all paused tasks; says how many.
    pub(crate) async fn park_jobs(self, id: Option<Uuid>, db: &mut PgConnection) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.client.sql(sql!("task/park"))).bind(id).fetch_one(db).await
    }

    /// Lets jobs wait again that the pause of a task had set aside; returns their queues.
    pub(crate) async fn unpark_jobs(self, id: Uuid, db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(self.client.sql(sql!("task/unpark"))).bind(id).fetch_all(db).await
    }
}
