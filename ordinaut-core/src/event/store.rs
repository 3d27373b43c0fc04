//! Events: the relay's step, and reading what it numbered.

use crate::client::Events;
use crate::error::Error;
use crate::event::event_type::EventType;
use crate::event::filter::EventFilter;
use crate::event::record::{Event, JobRef};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// Jobs that the events of one page name together: a single event may name more, and is then alone
/// on its page.
const PAGE_JOBS: i64 = 10_000;

/// How far a follower of the log has come.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct FollowerStatus {
    /// Its name.
    pub name: String,
    /// The number of the last event that it dealt with.
    pub n: i64,
    /// The number of events that it has not dealt with.
    pub behind: i64,
    /// When it last dealt with events, or began.
    pub moved_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    n: i64,
    at: DateTime<Utc>,
    r#type: String,
    queue: String,
    kind: String,
    job_ids: Vec<Uuid>,
    attempts: Vec<i32>,
    level: Option<String>,
    subject: Option<String>,
}

impl Events<'_> {
    /// Up to `limit` events after number `n`, in their order; fewer if they name many jobs. None:
    /// there are no more. A caller who sees a part asks for [`Events::page`].
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn after(self, n: i64, limit: i64) -> Result<Vec<Event>, Error> {
        Ok(self.page(n, limit).await?.0)
    }

    /// The same, wherever it is read.
    pub(crate) async fn read<'e>(self, db: impl PgExecutor<'e>, n: i64, limit: i64) -> sqlx::Result<Vec<Event>> {
        let page = sqlx::query_as(self.client.sql(sql!("event/read"))).bind(n).bind(limit).bind(PAGE_JOBS);
        let rows: Vec<Row> = page.fetch_all(db).await?;
        Ok(rows.into_iter().map(Event::from).collect())
    }

    /// Those of the jobs that events name that are wanted, each with its attempt.
    pub(crate) async fn jobs_wanted(self, events: &[Event], filter: &EventFilter) -> sqlx::Result<Vec<(Uuid, i32)>> {
        let named = events.iter().flat_map(|event| &event.jobs);
        let (ids, attempts): (Vec<_>, Vec<_>) = named.map(|job| (job.id, job.attempt)).unzip();
        sqlx::query_as(self.client.sql(sql!("event/narrow")))
            .bind(ids)
            .bind(attempts)
            .bind(filter.task)
            .bind(filter.tenant.as_deref())
            .bind(filter.worker.as_deref())
            .fetch_all(self.client)
            .await
    }

    /// The followers that there are, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn followers(self) -> Result<Vec<FollowerStatus>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("event/follower_list"))).fetch_all(self.client).await?)
    }

    /// Forgets a follower, and says whether there was one. One that still runs under the name
    /// begins anew.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn forget_follower(self, name: &str) -> Result<bool, Error> {
        let forgotten: Option<String> = sqlx::query_scalar(self.client.sql(sql!("event/follower_forget")))
            .bind(name)
            .fetch_optional(self.client)
            .await?;
        Ok(forgotten.is_some())
    }

    pub(crate) async fn begin_follower(self, name: &str, from_start: bool) -> sqlx::Result<()> {
        let begin = sqlx::query(self.client.sql(sql!("event/follower_begin"))).bind(name).bind(from_start);
        begin.execute(self.client).await.map(drop)
    }

    /// The number of the last event that a follower dealt with, if nobody else holds its place.
    pub(crate) async fn hold_follower(self, tx: &mut PgConnection, name: &str) -> sqlx::Result<Option<i64>> {
        sqlx::query_scalar(self.client.sql(sql!("event/follower_hold"))).bind(name).fetch_optional(tx).await
    }

    pub(crate) async fn move_follower(self, tx: &mut PgConnection, name: &str, n: i64) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("event/follower_move"))).bind(name).bind(n).execute(tx).await.map(drop)
    }

    /// The number of the last event; 0 if there was none.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn last(self) -> Result<i64, Error> {
        Ok(sqlx::query_scalar(self.client.sql(sql!("event/head"))).fetch_one(self.client).await?)
    }

    /// The number of the first event after number `n` that retention has left.
    #[cfg(feature = "redis")]
    pub(crate) async fn first_after(self, n: i64) -> sqlx::Result<Option<i64>> {
        sqlx::query_scalar(self.client.sql(sql!("event/first_after"))).bind(n).fetch_optional(self.client).await
    }

    /// The number of events that are kept from number `first` to number `last`.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn count(self, first: i64, last: i64) -> Result<i64, Error> {
        let count = sqlx::query_scalar(self.client.sql(sql!("event/between")));
        Ok(count.bind(first).bind(last).fetch_one(self.client).await?)
    }

    /// Which installation this is: a number drawn when the schema was made.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn installation(self) -> Result<Uuid, Error> {
        Ok(sqlx::query_scalar(self.client.sql(sql!("event/installation"))).fetch_one(self.client).await?)
    }

    /// Numbers up to `limit` changes, unless another relay is at it, and says how many.
    pub(crate) async fn relay(self, limit: i64) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.client.sql(sql!("event/relay"))).bind(limit).fetch_one(self.client).await
    }
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        let jobs = row.job_ids.into_iter().zip(row.attempts).map(|(id, attempt)| JobRef { id, attempt }).collect();
        // A word that this version does not know is of a newer one.
        let (r#type, word) = (EventType::from(row.r#type), row.level.unwrap_or_default());
        let (mut level, mut node_level, mut severity) = (None, None, None);
        match r#type {
            EventType::NodeLevel => node_level = word.parse().ok(),
            EventType::AlertFiring | EventType::AlertAcknowledged | EventType::AlertResolved => {
                severity = word.parse().ok();
            }
            _ => level = word.parse().ok(),
        }
        Self {
            n: row.n,
            at: row.at,
            r#type,
            queue: row.queue,
            kind: row.kind,
            jobs,
            level,
            node_level,
            severity,
            subject: row.subject,
        }
    }
}
