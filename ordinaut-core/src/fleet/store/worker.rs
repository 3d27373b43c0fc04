//! Workers, as their sessions tell of them.

use crate::client::Workers;
use crate::db::page::{PAGE_OCTETS, PAGE_ROWS, Page};
use crate::error::Error;
use crate::fleet::store::worker_cursor::WorkerCursor;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// A session: one life of a worker process.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct WorkerStatus {
    /// What its leases point at. Text in JSON, because a number of 63 bits is rounded by programs
    /// that read numbers as JavaScript does.
    #[serde(serialize_with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
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
    /// What it has, of what jobs may ask of their worker; with its name and its version.
    pub labels: Vec<String>,
    /// Maximum number of jobs that it runs at once.
    pub concurrency: i32,
    /// Number of jobs that it ran when it last renewed its leases; of one that is drained, number
    /// of leases that it holds now.
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

fn text<S: Serializer>(number: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

impl Workers<'_> {
    /// Sessions that have not ended, and then those that ended within the hour; of each the latest
    /// first: up to `limit`, after the one that the last page ended with. One that ends between two
    /// pages may be on both.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(
        self,
        limit: i64,
        after: Option<WorkerCursor>,
    ) -> Result<Page<WorkerStatus, WorkerCursor>, Error> {
        Ok(self.named(None, limit, after).await?)
    }

    /// One session, by its number or by the name of its process: the one that lives, or else the
    /// latest; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, name: &str) -> Result<Option<WorkerStatus>, Error> {
        // Postgres could not even compare one with a NUL.
        if name.contains('\0') {
            return Ok(None);
        }
        Ok(self.named(Some(name), 1, None).await?.pop())
    }

    async fn named(
        self,
        name: Option<&str>,
        limit: i64,
        after: Option<WorkerCursor>,
    ) -> sqlx::Result<Page<WorkerStatus, WorkerCursor>> {
        let rows = sqlx::query(self.client.sql(sql!("fleet/workers")))
            .bind(limit)
            .bind(PAGE_OCTETS)
            .bind(after.map(|cursor| cursor.has_ended))
            .bind(after.map(|cursor| cursor.began))
            .bind(after.map(|cursor| cursor.session))
            .bind(name)
            .fetch_all(self.client)
            .await?;
        Page::read(&rows, WorkerCursor::of)
    }

    /// The sessions of all pages.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn all(self) -> Result<Vec<WorkerStatus>, Error> {
        let mut all = self.list(PAGE_ROWS, None).await?;
        while let Some(after) = all.next.take() {
            let page = self.list(PAGE_ROWS, Some(after)).await?;
            all.next = page.next;
            all.items.extend(page.items);
        }
        Ok(all.items)
    }
}
