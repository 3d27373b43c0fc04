//! Tasks that are due: taken, and told when they are due next.

use crate::client::Tasks;
use crate::schedule::timezone::zone_data;
use crate::task::store::TaskDefinition;
use chrono::{DateTime, NaiveDateTime, Utc};
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
    /// The instant whose successor that is.
    pub(crate) after: DateTime<Utc>,
    /// What the clock showed then.
    pub(crate) wall: Option<NaiveDateTime>,
    pub(crate) last_error: Option<String>,
    /// Number of instants that were late.
    pub(crate) misfires: i64,
}

/// A task whose next instant older zone data made, and whose row this transaction holds.
#[derive(sqlx::FromRow)]
pub(crate) struct Outdated {
    pub(crate) id: Uuid,
    /// JSON, as the next one.
    pub(crate) schedule: String,
    pub(crate) calendars: String,
    pub(crate) counted_after: DateTime<Utc>,
    /// What the clock showed then, by the older data; `None`: that was no instant of the schedule.
    pub(crate) counted_wall: Option<NaiveDateTime>,
}

impl Tasks<'_> {
    /// Takes tasks that are due, the longest due first, but none of `passed_over`. Beside them are
    /// the ids of those that cannot be read, with the reason.
    pub(crate) async fn due_tasks(
        self,
        limit: i64,
        passed_over: &[Uuid],
        db: &mut PgConnection,
    ) -> sqlx::Result<(Vec<DueTask>, Vec<(Uuid, String)>)> {
        let due = sqlx::query(self.client.sql(sql!("task/due"))).bind(limit).bind(passed_over);
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
    pub(crate) async fn advance_tasks(self, decided: Vec<Advance>, db: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("task/advance")))
            .bind(decided.iter().map(|advance| advance.id).collect::<Vec<_>>())
            .bind(decided.iter().map(|advance| advance.next_run_at).collect::<Vec<_>>())
            .bind(decided.iter().map(|advance| advance.last_error.as_deref()).collect::<Vec<_>>())
            .bind(decided.iter().map(|advance| advance.after).collect::<Vec<_>>())
            .bind(zone_data())
            .bind(decided.iter().map(|advance| advance.wall).collect::<Vec<_>>())
            .bind(decided.iter().map(|advance| advance.misfires).collect::<Vec<_>>())
            .execute(db)
            .await
            .map(drop)
    }

    /// Time until the next task is due, those that are passed over left out; `None`: none is.
    pub(crate) async fn next_due(self, passed_over: &[Uuid]) -> sqlx::Result<Option<Duration>> {
        let next = sqlx::query_scalar(self.client.sql(sql!("task/next_due"))).bind(passed_over);
        let seconds: Option<f64> = next.fetch_one(self.client).await?;
        Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)))
    }

    /// Takes tasks whose next instant older zone data made, in the order of their ids.
    pub(crate) async fn outdated_tasks(
        self,
        zone_data: &str,
        limit: i64,
        after: Option<Uuid>,
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<Outdated>> {
        let take = sqlx::query_as(self.client.sql(sql!("task/outdated")));
        take.bind(zone_data).bind(limit).bind(after).fetch_all(db).await
    }

    /// Says when tasks are due next by this zone data.
    pub(crate) async fn store_counted(
        self,
        counted: Vec<(Uuid, Option<DateTime<Utc>>)>,
        zone_data: &str,
        db: &mut PgConnection,
    ) -> sqlx::Result<()> {
        let (ids, instants): (Vec<_>, Vec<_>) = counted.into_iter().unzip();
        let store = sqlx::query(self.client.sql(sql!("task/count_again")));
        store.bind(ids).bind(instants).bind(zone_data).execute(db).await.map(drop)
    }

    /// The active tasks that may wait for a topic, each with its schedule as JSON.
    pub(crate) async fn event_tasks(self, topic: &str, db: &mut PgConnection) -> sqlx::Result<Vec<(Uuid, String)>> {
        sqlx::query_as(self.client.sql(sql!("task/event_tasks"))).bind(topic).fetch_all(db).await
    }

    /// The definitions of active tasks as JSON; arguments only if they are asked for.
    pub(crate) async fn definitions(
        self,
        ids: &[Uuid],
        with_args: bool,
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<(Uuid, String)>> {
        sqlx::query_as(self.client.sql(sql!("task/definitions"))).bind(ids).bind(with_args).fetch_all(db).await
    }
}
