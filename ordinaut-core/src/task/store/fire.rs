//! Fire: record that a task became due, and make its job, in one statement and in the caller's
//! transaction.

use crate::client::Tasks;
use crate::lease::flags;
use crate::schedule::misfire::SkipReason;
use crate::task::store::TaskDefinition;
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use std::collections::HashMap;
use tracing::warn;
use uuid::Uuid;

/// A task that became due.
pub(crate) struct Due<'a> {
    pub(crate) task_id: Uuid,
    pub(crate) definition: &'a TaskDefinition,
    /// Absent if it is due by an event.
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) outcome: Firing,
    pub(crate) event: Option<Reached>,
}

/// What it comes to.
pub(crate) enum Firing {
    Job { job_id: Uuid, run_at: DateTime<Utc> },
    Skip(SkipReason),
}

impl Firing {
    /// A job to run at `run_at`, unless the task bounds its jobs and has no room for one more.
    pub(crate) fn within(room: Option<&mut i64>, run_at: DateTime<Utc>) -> Self {
        match room {
            Some(..=0) => return Self::Skip(SkipReason::Overlap),
            Some(room) => *room -= 1,
            None => {}
        }
        Self::Job { job_id: Uuid::now_v7(), run_at }
    }
}

/// The event that reached it.
#[derive(Clone)]
pub(crate) struct Reached {
    pub(crate) id: String,
    pub(crate) topic: String,
    /// JSON: what the job gets, instead of the task's own arguments alone.
    pub(crate) args: String,
}

/// What became of it.
#[derive(Default)]
pub(crate) struct Recorded {
    /// The queue of each job that was made.
    pub(crate) queues: Vec<String>,
    /// The last job that held the key of one that was to be made.
    pub(crate) holder: Option<Uuid>,
}

impl Due<'_> {
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

impl Tasks<'_> {
    /// Records what tasks have become due by, and makes their jobs. What was recorded before makes
    /// none.
    pub(crate) async fn record(self, due: Vec<Due<'_>>, db: &mut PgConnection) -> sqlx::Result<Recorded> {
        let is_unique = |due: &Due<'_>| due.definition.unique.is_some() && due.job_id().is_some();
        let (unique, plain): (Vec<_>, Vec<_>) = due.into_iter().partition(is_unique);
        let mut recorded = Recorded { queues: self.record_together(&plain, db).await?, holder: None };
        // One by one: the key of each is taken after the work of the one before was inserted.
        for due in unique {
            self.record_unique(due, &mut recorded, db).await?;
        }
        Ok(recorded)
    }

    /// Takes the key of the job that is to be made; if another one holds it, the instant is
    /// skipped.
    async fn record_unique(self, due: Due<'_>, all: &mut Recorded, db: &mut PgConnection) -> sqlx::Result<()> {
        let (Some(unique), Some(job_id)) = (&due.definition.unique, due.job_id()) else { return Ok(()) };
        let args = match &due.event {
            Some(event) => event.args.clone(),
            None => due.definition.args.to_string(),
        };
        let args: Box<RawValue> = RawValue::from_string(args).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let key = match due.definition.unique_key(&args) {
            Ok(key) => key,
            // An event may have taken the place of an argument that the key is made of; the other
            // tasks are to fire.
            Err(invalid) => {
                warn!("task {} makes no job: its unique key cannot be made: {invalid}", due.task_id);
                return Ok(());
            }
        };
        let held: Option<(Vec<u8>, Uuid, Option<Uuid>)> = sqlx::query_as(self.client.sql(sql!("task/hold_key")))
            .bind(job_id)
            .bind(key)
            .bind(unique.period_seconds())
            .bind(unique.after_end_seconds())
            .bind(unique.mode().as_str())
            .bind(due.task_id)
            .bind(due.event.as_ref().map(|event| &*event.id))
            .fetch_optional(&mut *db)
            .await?;
        // None: an event that has reached the task before.
        let Some((key, holder, behind)) = held else { return Ok(()) };
        if holder != job_id {
            all.holder = Some(holder);
            let skipped = Due { outcome: Firing::Skip(SkipReason::Duplicate), ..due };
            return self.record_together(&[skipped], db).await.map(drop);
        }
        let (after_end, flags) = (unique.after_end_seconds(), if unique.ends_with_job() { flags::UNIQUE } else { 0 });
        all.queues.extend(self.record_together(&[due], db).await?);
        sqlx::query(self.client.sql(sql!("task/key_job")))
            .bind(job_id)
            .bind(key)
            .bind(after_end)
            .bind(flags)
            .bind(behind)
            .execute(db)
            .await
            .map(drop)
    }

    async fn record_together(self, due: &[Due<'_>], db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
        fn column<'a, 'b: 'a, T>(due: &'a [Due<'b>], field: impl Fn(&'a Due<'b>) -> T) -> Vec<T> {
            due.iter().map(field).collect()
        }
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let event = |field: fn(&Reached) -> &str| column(due, |due| due.event.as_ref().map(field));
        let made: Vec<(Uuid, String)> = sqlx::query_as(self.client.sql(sql!("task/fire")))
            .bind(column(due, |due| due.task_id))
            .bind(column(due, |due| due.at))
            .bind(column(due, Due::job_id))
            .bind(column(due, Due::run_at))
            .bind(column(due, Due::skipped))
            .bind(event(|event| &event.id))
            .bind(event(|event| &event.topic))
            .bind(event(|event| &event.args))
            .fetch_all(db)
            .await?;
        Ok(made.into_iter().map(|(_, queue)| queue).collect())
    }

    /// Number of jobs that each task which bounds its own may still have; until the transaction
    /// ends nobody else fires these.
    pub(crate) async fn rooms<'a>(
        self,
        tasks: impl Iterator<Item = (Uuid, &'a TaskDefinition)>,
        db: &mut PgConnection,
    ) -> sqlx::Result<HashMap<Uuid, i64>> {
        let mut rooms: HashMap<Uuid, i64> = tasks.filter_map(|(id, task)| Some((id, task.most_jobs()?))).collect();
        if rooms.is_empty() {
            return Ok(rooms);
        }
        let ids: Vec<Uuid> = rooms.keys().copied().collect();
        // A statement of its own: the next one must see what the last holder of the locks has
        // written.
        sqlx::query(self.client.sql(sql!("task/lock"))).bind(&ids).execute(&mut *db).await?;
        let unfinished: Vec<(Uuid, i64)> =
            sqlx::query_as(self.client.sql(sql!("task/unfinished"))).bind(ids).fetch_all(db).await?;
        for (id, jobs) in unfinished {
            rooms.entry(id).and_modify(|room| *room -= jobs);
        }
        Ok(rooms)
    }
}
