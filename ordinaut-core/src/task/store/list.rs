//! A page of tasks.

use crate::client::Tasks;
use crate::db::fields::Fields;
use crate::db::page::{PAGE_OCTETS, Page, Unreadable};
use crate::error::Error;
use crate::schedule::kind::ScheduleKind;
use crate::task::definition::TaskDefinition;
use crate::task::store::{Task, TaskFilter, TaskStatus};
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// A task whose definition is not read yet.
struct Listed {
    id: Uuid,
    definition: String,
    title: String,
    status: String,
    last_error: Option<String>,
    next_run_at: Option<DateTime<Utc>>,
    misfires: i64,
    version: i64,
    created_by: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    unreadable: Vec<String>,
    walked: i64,
}

impl FromRow<'_, PgRow> for Listed {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let listed = Self {
            id: fields.get("id")?,
            definition: fields.get("definition")?,
            title: fields.get("title")?,
            status: fields.get("status")?,
            last_error: fields.get("last_error")?,
            next_run_at: fields.instant("next_run_at")?,
            misfires: fields.get("misfires")?,
            version: fields.get("version")?,
            created_by: fields.get("created_by")?,
            created_at: fields.certain_instant("created_at")?,
            updated_at: fields.certain_instant("updated_at")?,
            unreadable: Vec::new(),
            walked: fields.get("walked")?,
        };
        Ok(Self { unreadable: fields.unreadable(), ..listed })
    }
}

impl Listed {
    /// Deeper or larger numbers than this library reads, and fields of a newer version, are what
    /// can be wrong.
    fn read(self) -> Result<Task, Unreadable> {
        let (id, title) = (self.id.to_string(), self.title);
        let unreadable = |reason| Unreadable { id: id.clone(), title: title.clone(), reason };
        if let Some(reason) = self.unreadable.into_iter().next() {
            return Err(unreadable(reason));
        }
        let definition: TaskDefinition =
            serde_json::from_str(&self.definition).map_err(|error| unreadable(format!("definition: {error}")))?;
        Ok(Task {
            id: self.id,
            definition,
            status: self.status.parse().map_err(|reason| unreadable(format!("status: {reason}")))?,
            last_error: self.last_error,
            next_run_at: self.next_run_at,
            misfires: self.misfires,
            version: self.version,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl Tasks<'_> {
    /// Up to `limit` tasks, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, filter: &TaskFilter, limit: i64) -> Result<Page<Task, Uuid>, Error> {
        let listed: Vec<Listed> = sqlx::query_as(self.client.sql(sql!("task/list")))
            .bind(limit)
            .bind(filter.before)
            .bind(filter.status.map(TaskStatus::as_str))
            .bind(&filter.kind)
            .bind(&filter.queue)
            .bind(filter.schedule_kind.map(ScheduleKind::as_str))
            .bind(&filter.title)
            .bind(PAGE_OCTETS)
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues())
            .bind(&filter.created_by)
            .bind(&filter.text)
            .fetch_all(self.client)
            .await?;
        // Reading a megabyte of definitions takes long enough to hold up others on this thread.
        Ok(tokio::task::spawn_blocking(move || page(listed)).await.map_err(|_| sqlx::Error::WorkerCrashed)?)
    }
}

fn page(listed: Vec<Listed>) -> Page<Task, Uuid> {
    let more = listed.first().is_some_and(|first| first.walked > listed.len() as i64);
    let next = listed.last().map(|last| last.id).filter(|_| more);
    let mut page = Page::new(Vec::new(), next);
    for task in listed {
        match task.read() {
            Ok(task) => page.items.push(task),
            Err(unreadable) => page.unreadable.push(unreadable),
        }
    }
    page
}
