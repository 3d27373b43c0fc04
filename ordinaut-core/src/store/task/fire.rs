//! Fire: record that a task became due, and make its job, in one statement and in the caller's transaction.

use super::TaskDefinition;
use crate::store::database::Database;
use crate::vocabulary::schedule::misfire::SkipReason;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A task that became due.
pub(crate) struct Due {
    pub(crate) task_id: Uuid,
    /// Absent if it is due by an event.
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) outcome: Firing,
    pub(crate) event: Option<Reached>,
}

/// What it comes to.
pub(crate) enum Firing {
    /// A job; parked if another one works under the task's concurrency key.
    Job {
        job_id: Uuid,
        run_at: DateTime<Utc>,
        parked: bool,
    },
    Skip(SkipReason),
}

/// The event that reached it.
#[derive(Clone)]
pub(crate) struct Reached {
    pub(crate) id: String,
    pub(crate) topic: String,
    /// JSON: what the job gets, instead of the task's own arguments alone.
    pub(crate) args: String,
}

/// The jobs of a task that have not ended.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unfinished {
    pub(crate) jobs: i64,
    /// Somebody works, or waits, under its concurrency key.
    pub(crate) key_is_taken: bool,
}

impl Due {
    fn job_id(&self) -> Option<Uuid> {
        match self.outcome {
            Firing::Job { job_id, .. } => Some(job_id),
            Firing::Skip(_) => None,
        }
    }

    fn run_at(&self) -> Option<DateTime<Utc>> {
        match self.outcome {
            Firing::Job { run_at, .. } => Some(run_at),
            Firing::Skip(_) => None,
        }
    }

    fn skipped(&self) -> Option<&'static str> {
        match self.outcome {
            Firing::Job { .. } => None,
            Firing::Skip(reason) => Some(reason.as_str()),
        }
    }
}

impl Database {
    /// Records what tasks have become due by, and makes their jobs; returns the queue of each. What was recorded before
    /// makes none.
    pub(crate) async fn record(&self, due: &[Due], db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
        fn column<'a, T>(due: &'a [Due], field: impl Fn(&'a Due) -> T) -> Vec<T> {
            due.iter().map(field).collect()
        }
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let event = |field: fn(&Reached) -> &str| column(due, |due| due.event.as_ref().map(field));
        let made: Vec<(Uuid, String)> = sqlx::query_as(self.sql(include_str!("../../../sql/tasks/fire.sql")))
            .bind(column(due, |due| due.task_id))
            .bind(column(due, |due| due.at))
            .bind(column(due, Due::job_id))
            .bind(column(due, Due::run_at))
            .bind(column(due, |due| matches!(due.outcome, Firing::Job { parked: true, .. })))
            .bind(column(due, Due::skipped))
            .bind(event(|event| &event.id))
            .bind(event(|event| &event.topic))
            .bind(event(|event| &event.args))
            .fetch_all(db)
            .await?;
        Ok(made.into_iter().map(|(_, queue)| queue).collect())
    }

    /// The unfinished jobs of those tasks that limit them; until the transaction ends nobody else fires these.
    pub(crate) async fn unfinished<'a>(
        &self,
        tasks: impl Iterator<Item = (Uuid, &'a TaskDefinition)>,
        db: &mut PgConnection,
    ) -> sqlx::Result<HashMap<Uuid, Unfinished>> {
        let limited = tasks.filter(|(_, task)| task.most_jobs().is_some() || task.concurrency_key.is_some());
        let (ids, keys): (Vec<Uuid>, Vec<String>) =
            limited.map(|(id, task)| (id, task.concurrency_key.clone().unwrap_or_else(|| id.to_string()))).unzip();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        // A statement of its own: the next one must see what the last holder of the lock has written.
        self.lock_lines(&keys, db).await?;
        let rows: Vec<(Uuid, i64, bool)> =
            sqlx::query_as(self.sql(include_str!("../../../sql/tasks/unfinished.sql"))).bind(ids).fetch_all(db).await?;
        Ok(rows.into_iter().map(|(id, jobs, key_is_taken)| (id, Unfinished { jobs, key_is_taken })).collect())
    }
    /// Lets only this transaction count and fire under these concurrency keys, or ids of tasks.
    pub(super) async fn lock_lines(&self, lines: &[String], db: &mut PgConnection) -> sqlx::Result<()> {
        let lock = sqlx::query(self.sql(include_str!("../../../sql/tasks/lock_keys.sql"))).bind(lines);
        lock.execute(db).await.map(drop)
    }
}
