//! Looking at what a task has done: its fires, the runs of its jobs, and how they went.

use super::TaskStatus;
use crate::store::database::Database;
use crate::vocabulary::outcome::Outcome;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A due instant of a task.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct FireRecord {
    /// The instant.
    pub scheduled_for: DateTime<Utc>,
    /// Why it made no job.
    pub skipped: Option<String>,
    /// The job that it made.
    pub job_id: Option<Uuid>,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// The job's state, while there is a row of it.
    pub state: Option<String>,
}

/// A run of a job of a task.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct TaskRun {
    /// The job.
    pub job_id: Uuid,
    /// The instant that it is for; absent if an event made it.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The number of the claim.
    pub attempt: i32,
    /// When its handler started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How it ended.
    #[sqlx(try_from = "String")]
    pub outcome: Outcome,
    /// What went wrong.
    pub error: Option<String>,
}

/// How the runs of a task went.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct TaskStatistics {
    /// How many there were.
    pub runs: i64,
    /// How many succeeded.
    pub succeeded: i64,
    /// How many failed, for the time being or for good, or were lost.
    pub failed: i64,
    /// What one took on average, in seconds.
    pub average: Option<f64>,
    /// What 95 of 100 took at most, in seconds.
    pub p95: Option<f64>,
    /// For each day (UTC): `day`, `runs`, `succeeded`.
    #[sqlx(json)]
    pub per_day: Box<RawValue>,
}

/// How many tasks have a status.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct TaskCount {
    /// The status.
    #[sqlx(try_from = "String")]
    pub status: TaskStatus,
    /// How many have it.
    pub tasks: i64,
    /// How many of these the scheduler paused, because it could not tell when they are due.
    pub in_trouble: i64,
}

impl TaskStatistics {
    /// The share that succeeded of those that succeeded or failed.
    pub fn success_share(&self) -> Option<f64> {
        let ended = self.succeeded + self.failed;
        (ended > 0).then(|| self.succeeded as f64 / ended as f64)
    }
}

impl Database {
    /// Up to `limit` due instants of a task, the latest first, before one of them.
    pub async fn task_fires(
        &self,
        id: Uuid,
        limit: i64,
        before: Option<DateTime<Utc>>,
    ) -> sqlx::Result<Vec<FireRecord>> {
        sqlx::query_as(self.sql(include_str!("../../../sql/tasks/fires.sql")))
            .bind(id)
            .bind(limit)
            .bind(before)
            .fetch_all(self)
            .await
    }

    /// Up to `limit` runs of the jobs of a task, those of the newest job first, after one of them: its job and attempt.
    pub async fn task_runs(&self, id: Uuid, limit: i64, before: Option<(Uuid, i32)>) -> sqlx::Result<Vec<TaskRun>> {
        sqlx::query_as(self.sql(include_str!("../../../sql/tasks/runs.sql")))
            .bind(id)
            .bind(limit)
            .bind(before.map(|(job_id, _)| job_id))
            .bind(before.map(|(_, attempt)| attempt))
            .fetch_all(self)
            .await
    }

    /// How many tasks there are. Counts every row: not for every second.
    pub async fn task_counts(&self) -> sqlx::Result<Vec<TaskCount>> {
        sqlx::query_as(self.sql(include_str!("../../../sql/tasks/counts.sql"))).fetch_all(self).await
    }

    /// How the runs of a task went in the last so many days.
    pub async fn task_statistics(&self, id: Uuid, days: i32) -> sqlx::Result<TaskStatistics> {
        sqlx::query_as(self.sql(include_str!("../../../sql/tasks/statistics.sql")))
            .bind(id)
            .bind(days)
            .fetch_one(self)
            .await
    }
}
