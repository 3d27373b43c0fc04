//! Queues, with what waits in them and how attempts ended.

use crate::client::Queues;
use crate::db::page::{PAGE_OCTETS, PAGE_ROWS, Page};
use crate::error::Error;
use crate::job::outcome::Outcome;
use crate::name;
use crate::queue::pressure::QueueLevel;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Row;

/// A queue, with what waits there and who serves it.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Seconds since the oldest waiting job that a living worker could take was due; 0 in a queue
    /// that is paused.
    pub lag: f64,
    /// Number of waiting jobs that no living worker can take: it does not serve the queue, does not
    /// have the kind, or is drained. Those of a paused queue are not counted.
    pub stranded: i64,
    /// The kinds of these; the first ten.
    pub stranded_kinds: Vec<String>,
    /// Since when nobody claims from it.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// Why.
    pub paused_reason: Option<String>,
    /// Number of jobs that may wait; any number if absent.
    pub max_waiting: Option<i32>,
    /// How full it is, as a scheduler last saw it; normal if any number of jobs may wait.
    #[sqlx(try_from = "String")]
    pub level: QueueLevel,
    /// Number of seconds for which a job may have been due before it expires; it never does if
    /// absent.
    pub max_age: Option<f64>,
    /// Number of seconds for which what ended is kept; as the setting says if absent.
    pub retention: Option<f64>,
}

/// Number of attempts that ended with an outcome in a queue, since the schema was made.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct OutcomeCount {
    /// The queue.
    pub queue: String,
    /// How they ended.
    #[sqlx(try_from = "String")]
    pub outcome: Outcome,
    /// Their number.
    pub ended: i64,
}

impl Queues<'_> {
    /// Queues that have work or that somebody has served, by name: up to `limit`, after the one
    /// that the last page ended with. Counts the rows of `due_work`: not for every second.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, limit: i64, after: Option<&str>) -> Result<Page<QueueStatus, String>, Error> {
        Ok(self.queues_named(None, limit, after).await?)
    }

    /// The queues of all pages.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn all(self) -> Result<Vec<QueueStatus>, Error> {
        let mut all = self.list(PAGE_ROWS, None).await?;
        while let Some(after) = all.next.take() {
            let page = self.list(PAGE_ROWS, Some(&after)).await?;
            all.next = page.next;
            all.items.extend(page.items);
        }
        Ok(all.items)
    }

    /// One queue, or `None` if nobody ever served it, it has no work, and nothing is said about it.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, name: &str) -> Result<Option<QueueStatus>, Error> {
        // No queue has such a name, and Postgres could not even compare one with a NUL.
        if name::check(name).is_err() {
            return Ok(None);
        }
        Ok(self.queues_named(Some(name), 1, None).await?.pop())
    }

    /// Another text whenever what is said about any queue changed: somebody paused, resumed or
    /// bounded one, or it reached another level. For programs that keep a list for a while.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn settings_version(self) -> Result<String, Error> {
        Ok(sqlx::query_scalar(self.client.sql(sql!("queue/settings_version"))).fetch_one(self.client).await?)
    }

    async fn queues_named(
        self,
        name: Option<&str>,
        limit: i64,
        after: Option<&str>,
    ) -> sqlx::Result<Page<QueueStatus, String>> {
        let tenant = self.client.seen_tenant();
        let statement = match tenant {
            None => self.client.sql(sql!("queue/stats")),
            Some(_) => self.client.sql(sql!("queue/stats_of_tenant")),
        };
        let mut stats = sqlx::query(statement)
            .bind(name)
            // No queue has an empty name.
            .bind(after.unwrap_or_default())
            .bind(limit)
            .bind(PAGE_OCTETS)
            .bind(self.client.seen_queues());
        if tenant.is_some() {
            stats = stats.bind(tenant);
        }
        let rows = stats.fetch_all(self.client).await?;
        Page::read(&rows, |last| last.try_get("name"))
    }

    /// Number of attempts that ended, by queue and outcome. A worker's share is as old as its last
    /// renewal.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn outcomes(self) -> Result<Vec<OutcomeCount>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("queue/outcomes"))).fetch_all(self.client).await?)
    }
}
