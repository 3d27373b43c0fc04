//! Looking at the whole: queues, workers, counts.

use crate::client::Database;
use crate::db::page::{PAGE_OCTETS, PAGE_ROWS, Page};
use crate::fleet::store::worker_cursor::WorkerCursor;
use crate::job::outcome::Outcome;
use crate::name;
use crate::queue::pressure::QueueLevel;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use sqlx::Row;

/// A queue, with what waits there and who serves it.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// Jobs whose time has not come.
    pub scheduled: i64,
    /// Jobs that are due and that nobody runs.
    pub waiting: i64,
    /// Jobs that a worker holds.
    pub running: i64,
    /// Jobs that were set aside.
    pub parked: i64,
    /// Dead letters.
    pub dead: i64,
    /// Living sessions that serve it.
    pub workers: i64,
    /// Seconds since the oldest waiting job was due.
    pub oldest_wait: f64,
    /// Seconds since the oldest waiting job that a living worker could take was due; 0 in a queue that is paused.
    pub lag: f64,
    /// Number of waiting jobs that no living worker can take: it does not serve the queue, does not have the kind, or is drained.
    /// Those of a paused queue are not counted.
    pub stranded: i64,
    /// The kinds of these; the first ten.
    pub stranded_kinds: Vec<String>,
    /// Since when nobody claims from it.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// Why.
    pub paused_reason: Option<String>,
    /// How many jobs may wait; any number if absent.
    pub max_waiting: Option<i32>,
    /// How full it is, as a scheduler last saw it; normal if any number of jobs may wait.
    #[sqlx(try_from = "String")]
    pub level: QueueLevel,
    /// For how many seconds a job may have been due before it expires; for ever if absent.
    pub max_age: Option<f64>,
    /// For how many seconds what ended is kept; as the setting says if absent.
    pub retention: Option<f64>,
}

/// A session: one life of a worker process.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// What its leases point at. Text in JSON, because a number of 63 bits is rounded by whoever reads numbers as
    /// JavaScript does.
    #[serde(serialize_with = "text")]
    pub session: i64,
    /// The process' name for people.
    pub name: String,
    /// Where it runs.
    pub host: String,
    /// Its process id there.
    pub pid: i32,
    /// The library's version.
    pub version: String,
    /// The queues that it serves.
    pub queues: Vec<String>,
    /// The kinds that it can run.
    pub kinds: Vec<String>,
    /// How many jobs it runs at once, at most.
    pub concurrency: i32,
    /// Number of jobs that it ran when it last renewed its leases; of one that is drained, number of leases that it holds now.
    pub running: i32,
    /// When the session began.
    pub started_at: DateTime<Utc>,
    /// When it last renewed its leases.
    pub renewed_at: DateTime<Utc>,
    /// When its leases end unless renewed.
    pub expires_at: DateTime<Utc>,
    /// When the session ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether its leases hold.
    pub alive: bool,
    /// Whether an operator drained it: it leases nothing.
    pub drained: bool,
}

/// How many attempts ended with an outcome in a queue, since the schema was made.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct OutcomeCount {
    /// The queue.
    pub queue: String,
    /// How they ended.
    #[sqlx(try_from = "String")]
    pub outcome: Outcome,
    /// How many.
    pub ended: i64,
}

fn text<S: Serializer>(number: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

impl Database {
    /// Queues that have work or that somebody has served, by name: up to `limit`, after the one that the last page ended with.
    /// Counts the rows of `due_work`: not for every second.
    pub async fn queues(&self, limit: i64, after: Option<&str>) -> sqlx::Result<Page<QueueStatus, String>> {
        self.queues_named(None, limit, after).await
    }

    /// The queues of all pages.
    pub async fn all_queues(&self) -> sqlx::Result<Vec<QueueStatus>> {
        let mut all = self.queues(PAGE_ROWS, None).await?;
        while let Some(after) = all.next.take() {
            let page = self.queues(PAGE_ROWS, Some(&after)).await?;
            all.next = page.next;
            all.items.extend(page.items);
        }
        Ok(all.items)
    }

    /// One queue, or `None` if nobody ever served it, it has no work, and nothing is said about it.
    pub async fn queue(&self, name: &str) -> sqlx::Result<Option<QueueStatus>> {
        // No queue has such a name, and Postgres could not even compare one with a NUL.
        if name::check(name).is_err() {
            return Ok(None);
        }
        Ok(self.queues_named(Some(name), 1, None).await?.pop())
    }

    async fn queues_named(
        &self,
        name: Option<&str>,
        limit: i64,
        after: Option<&str>,
    ) -> sqlx::Result<Page<QueueStatus, String>> {
        let rows = sqlx::query(self.sql(sql!("queue/stats")))
            .bind(name)
            // No queue has an empty name.
            .bind(after.unwrap_or_default())
            .bind(limit)
            .bind(PAGE_OCTETS)
            .fetch_all(self)
            .await?;
        Page::read(&rows, |last| last.try_get("name"))
    }

    /// Sessions that have not ended, and then those that ended within the hour; of each the latest first: up to `limit`, after
    /// the one that the last page ended with. One that ends between two pages may be on both.
    pub async fn workers(
        &self,
        limit: i64,
        after: Option<WorkerCursor>,
    ) -> sqlx::Result<Page<WorkerStatus, WorkerCursor>> {
        let rows = sqlx::query(self.sql(sql!("fleet/workers")))
            .bind(limit)
            .bind(PAGE_OCTETS)
            .bind(after.map(|cursor| cursor.has_ended))
            .bind(after.map(|cursor| cursor.began))
            .bind(after.map(|cursor| cursor.session))
            .fetch_all(self)
            .await?;
        Page::read(&rows, WorkerCursor::of)
    }

    /// The sessions of all pages.
    pub async fn all_workers(&self) -> sqlx::Result<Vec<WorkerStatus>> {
        let mut all = self.workers(PAGE_ROWS, None).await?;
        while let Some(after) = all.next.take() {
            let page = self.workers(PAGE_ROWS, Some(after)).await?;
            all.next = page.next;
            all.items.extend(page.items);
        }
        Ok(all.items)
    }

    /// How many attempts ended, by queue and outcome. A worker's share is as old as its last renewal.
    pub async fn outcomes(&self) -> sqlx::Result<Vec<OutcomeCount>> {
        sqlx::query_as(self.sql(sql!("queue/outcomes"))).fetch_all(self).await
    }
}
