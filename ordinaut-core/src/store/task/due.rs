//! Tasks that are due: taken, and told when they are due next.

use super::TaskDefinition;
use crate::store::database::Database;
use crate::store::undisturbed::undisturbed;
use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, Row};
use std::time::Duration;
use uuid::Uuid;

/// A task that is due, whose row this transaction holds.
#[derive(sqlx::FromRow)]
pub(crate) struct DueTask {
    pub(crate) id: Uuid,
    #[sqlx(json)]
    pub(crate) definition: TaskDefinition,
    pub(crate) next_run_at: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
}

/// What was decided of a task: when it is due next, or why it is paused.
pub(crate) struct Advance {
    pub(crate) id: Uuid,
    pub(crate) next_run_at: Option<DateTime<Utc>>,
    pub(crate) trouble: Option<String>,
}

impl Database {
    /// Takes tasks that are due, the longest due first, but none of `passed_over`. Beside them are the ids of those that cannot
    /// be read, with the reason.
    pub(crate) async fn due_tasks(
        &self,
        limit: i64,
        passed_over: &[Uuid],
        db: &mut PgConnection,
    ) -> sqlx::Result<(Vec<DueTask>, Vec<(Uuid, String)>)> {
        let due = sqlx::query(self.sql(sql!("tasks/due"))).bind(limit).bind(passed_over);
        let (mut tasks, mut unreadable) = (Vec::new(), Vec::new());
        for row in due.fetch_all(db).await? {
            match DueTask::from_row(&row) {
                Ok(task) => tasks.push(task),
                Err(error) => unreadable.push((row.try_get("id")?, error.to_string())),
            }
        }
        Ok((tasks, unreadable))
    }

    /// Says when tasks are due next.
    pub(crate) async fn advance_tasks(&self, decided: Vec<Advance>, db: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query(self.sql(sql!("tasks/advance")))
            .bind(decided.iter().map(|advance| advance.id).collect::<Vec<_>>())
            .bind(decided.iter().map(|advance| advance.next_run_at).collect::<Vec<_>>())
            .bind(decided.iter().map(|advance| advance.trouble.as_deref()).collect::<Vec<_>>())
            .execute(db)
            .await
            .map(drop)
    }

    /// How long until the next task is due that is not passed over; `None`: none is.
    pub(crate) async fn next_due(&self, passed_over: &[Uuid]) -> sqlx::Result<Option<Duration>> {
        let next = sqlx::query_scalar(self.sql(sql!("tasks/next_due"))).bind(passed_over);
        let seconds: Option<f64> = next.fetch_one(self).await?;
        Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
    }

    /// The active tasks that may wait for a topic, each with its schedule as JSON.
    pub(crate) async fn event_tasks(&self, topic: &str, db: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, String)>> {
        sqlx::query_as(self.sql(sql!("tasks/event_tasks"))).bind(topic).fetch_all(db).await
    }

    /// The definitions of active tasks as JSON; arguments only if they are asked for.
    pub(crate) async fn definitions(
        &self,
        ids: &[Uuid],
        with_args: bool,
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<(Uuid, String)>> {
        sqlx::query_as(self.sql(sql!("tasks/definitions"))).bind(ids).bind(with_args).fetch_all(db).await
    }

    /// Lets the next job of each concurrency key wait again that nobody works under; returns the queues.
    pub(crate) async fn unpark_next_in_line(&self) -> sqlx::Result<Vec<String>> {
        undisturbed(|| async move {
            let mut tx = self.begin().await?;
            let alone: bool = sqlx::query_scalar(self.sql(sql!("tasks/next_in_line_alone")))
                .bind(self.schema().as_str())
                .fetch_one(&mut *tx)
                .await?;
            if !alone {
                return Ok(Vec::new());
            }
            let lines: Vec<String> = sqlx::query_scalar(self.sql(sql!("tasks/lines"))).fetch_all(&mut *tx).await?;
            if lines.is_empty() {
                return Ok(Vec::new());
            }
            // As a fire does: one that has not committed yet may have let a job of the key go.
            self.lock_lines(&lines, &mut tx).await?;
            let queues =
                sqlx::query_scalar(self.sql(sql!("tasks/next_in_line"))).bind(lines).fetch_all(&mut *tx).await?;
            tx.commit().await?;
            Ok(queues)
        })
        .await
    }
}
