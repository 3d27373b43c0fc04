//! The fires of all tasks, and the events that reached them.

use crate::client::Tasks;
use crate::db::page::Page;
use crate::error::Error;
use crate::schedule::topic_pattern::check_topic;
use crate::task::fire_filter::{Became, FireCursor, FireFilter};
use crate::task::store::inspect::FireRecord;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

/// A due instant, and the task whose it is.
#[derive(Clone, Debug, Serialize, FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct TaskFire {
    /// The task; it may have been deleted since.
    pub task_id: Uuid,
    /// The instant, and what became of it.
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub fire: FireRecord,
}

/// A topic on which events reached tasks.
#[derive(Clone, Debug, Serialize, FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Topic {
    /// Its name.
    pub topic: String,
    /// Number of events that are kept.
    pub events: i64,
    /// When the last one came.
    pub last_at: DateTime<Utc>,
}

/// An event that reached a task.
#[derive(Clone, Debug, Serialize, FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct TopicEvent {
    /// When it came.
    pub at: DateTime<Utc>,
    /// The id that its sender gave it.
    pub event_id: String,
    /// The task; it may have been deleted since.
    pub task_id: Uuid,
    /// Why it made no job.
    pub skipped: Option<String>,
    /// The job that it made.
    pub job_id: Option<Uuid>,
    /// The job's state, while there is a row of it.
    pub state: Option<String>,
}

impl Tasks<'_> {
    /// Up to `limit` fires of all tasks, the latest instants first. Those of deleted tasks are
    /// among them until retention takes them, but for a caller that sees a part.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if an instant of the filter is none that Postgres knows;
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn all_fires(self, filter: &FireFilter, limit: i64) -> Result<Page<TaskFire, FireCursor>, Error> {
        filter.check()?;
        let fires: Vec<TaskFire> = sqlx::query_as(self.client.sql(sql!("task/all_fires")))
            .bind(limit + 1)
            .bind(filter.before.map(|before| before.at))
            .bind(filter.before.map(|before| before.task_id))
            .bind(filter.task_id)
            .bind(filter.became.map(Became::stored))
            .bind(filter.since)
            .bind(filter.until)
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues())
            .fetch_all(self.client)
            .await?;
        let cursor = |last: &TaskFire| FireCursor { at: last.fire.scheduled_for, task_id: last.task_id };
        Ok(Page::of_one_more(fires, limit, cursor))
    }

    /// Up to `limit` topics on which events reached tasks, by name, after the one that the last
    /// page ended with. An event that no task waits for leaves nothing behind.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn topics(self, limit: i64, after: Option<&str>) -> Result<Page<Topic, String>, Error> {
        let topics = sqlx::query_as(self.client.sql(sql!("task/topics")));
        let topics: Vec<Topic> = topics.bind(limit + 1).bind(after).fetch_all(self.client).await?;
        Ok(Page::of_one_more(topics, limit, |last| last.topic.clone()))
    }

    /// Up to `limit` events of a topic that reached tasks, the latest first, before the one that
    /// the last page ended with. An event that reached several tasks is there once for each.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if `topic` is none; [`Error::Database`] if Postgres refused the statement
    /// or could not be reached.
    pub async fn topic_events(
        self,
        topic: &str,
        limit: i64,
        before: Option<FireCursor>,
    ) -> Result<Page<TopicEvent, FireCursor>, Error> {
        check_topic(topic)?;
        let events: Vec<TopicEvent> = sqlx::query_as(self.client.sql(sql!("task/topic_events")))
            .bind(topic)
            .bind(limit + 1)
            .bind(before.map(|before| before.at))
            .bind(before.map(|before| before.task_id))
            .fetch_all(self.client)
            .await?;
        Ok(Page::of_one_more(events, limit, |last| FireCursor { at: last.at, task_id: last.task_id }))
    }
}
