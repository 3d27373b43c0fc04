//! What people tell a task to do: pause, resume, snooze, run now, cancel, delete.

use crate::client::Tasks;
use crate::db::contention::undisturbed;
use crate::db::page::Unreadable;
use crate::error::InvalidField;
use crate::job::store::cancel::Called;
use crate::notify::{CANCELS, TASKS, notifier};
use crate::schedule::misfire::SkipReason;
use crate::task::error::TaskError;
use crate::task::run::next_run;
use crate::task::store::fire::{Due, Firing};
use crate::task::store::{Task, TaskStatus};
use chrono::TimeDelta;
use serde::Serialize;
use sqlx::PgConnection;
use std::ops::RangeInclusive;
use std::time::Duration;
use uuid::Uuid;

/// Longest snooze.
const SNOOZE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(604_800);

/// Maximum number of times that jobs are looked for that others keep moving; each look has a new
/// snapshot.
const LOOKS: usize = 20;

/// A task that was paused.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct TaskPaused {
    /// The task; absent if this version cannot read it.
    #[serde(flatten)]
    pub task: Option<Task>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub unreadable: Option<Unreadable>,
    /// Number of its jobs that waited, and are set aside now.
    pub parked: i64,
}

/// A task that was cancelled.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct TaskCancelled {
    /// The task; absent if this version cannot read it.
    #[serde(flatten)]
    pub task: Option<Task>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub unreadable: Option<Unreadable>,
    /// Number of its jobs that waited, and will not run.
    pub removed: i64,
    /// Number of its jobs that ran, and were asked to stop.
    pub asked: i64,
}

impl Tasks<'_> {
    /// Makes no more jobs of a task, and sets those aside that wait. Those that run go on.
    ///
    /// # Errors
    ///
    /// [`TaskError::Unknown`] if no task has the id, [`TaskError::Cancelled`] if it was cancelled;
    /// [`TaskError::Database`] if Postgres refused a statement or could not be reached.
    pub async fn pause(self, id: Uuid) -> Result<TaskPaused, TaskError> {
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            let stopped = self.stop_task(id, TaskStatus::Paused, &mut tx).await?;
            let (task, unreadable) = self.task_or_reason(id, &mut tx).await?.ok_or(TaskError::Unknown)?;
            if !stopped {
                return Err(TaskError::Cancelled);
            }
            let parked = self.park_jobs(Some(id), &mut tx).await?;
            tx.commit().await?;
            Ok(TaskPaused { task, unreadable, parked })
        })
        .await
    }

    /// Lets a paused task go on: it is due at the next instant from now on, and the jobs that were
    /// set aside wait again.
    ///
    /// # Errors
    ///
    /// [`TaskError::Unknown`] if no task has the id, [`TaskError::Cancelled`] if it was cancelled,
    /// [`TaskError::Invalid`] if its schedule or a calendar cannot be used any more;
    /// [`TaskError::Database`] if Postgres refused a statement or could not be reached.
    pub async fn resume(self, id: Uuid) -> Result<Task, TaskError> {
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            let mut held = self.hold(id, &mut tx).await?;
            if held.task.status == TaskStatus::Active {
                return Ok(held.task);
            }
            held.task.status = TaskStatus::Active;
            held.task.next_run_at = next_run::next_run(self.client, &held.task.definition, held.now, &mut tx).await?;
            held.condition_state = None;
            let task = self.store_task(&held, true, &mut tx).await?;
            let queues = self.unpark_jobs(id, &mut tx).await?;
            tx.commit().await?;
            notifier::tell(self.client, queues.iter().map(|queue| &**queue).chain([TASKS]));
            Ok(task)
        })
        .await
    }

    /// Moves the next instant of a task away by 1 s to 604,800 s (a week). The instants that it
    /// passes over are recorded as skipped.
    ///
    /// # Errors
    ///
    /// [`TaskError::Invalid`] with the field `delay` if it is out of its range or the task is not
    /// due by the clock, [`TaskError::Unknown`] if no task has the id, [`TaskError::Cancelled`] or
    /// [`TaskError::Paused`] if it is that; [`TaskError::Database`] if Postgres refused a statement
    /// or could not be reached.
    pub async fn snooze(self, id: Uuid, delay: Duration) -> Result<Task, TaskError> {
        if !SNOOZE.contains(&delay) {
            let reason = "must be from 1 to 604800 seconds".to_owned();
            return Err(InvalidField { field: "delay", reason }.into());
        }
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            let mut held = self.hold(id, &mut tx).await?;
            let Some(due) = held.task.next_run_at else {
                return Err(if held.task.status == TaskStatus::Paused { TaskError::Paused } else { not_due() });
            };
            let until = due.max(held.now) + delay;
            let passed = next_run::passed(self.client, &held.task.definition, due, until, &mut tx).await?;
            let skipped = |at| {
                let outcome = Firing::Skip(SkipReason::Snoozed);
                Due { task_id: id, definition: &held.task.definition, at: Some(at), outcome, event: None }
            };
            self.record(passed.into_iter().map(skipped).collect(), &mut tx).await?;
            held.task.next_run_at = Some(until);
            let task = self.store_task(&held, false, &mut tx).await?;
            tx.commit().await?;
            notifier::tell(self.client, [TASKS]);
            Ok(task)
        })
        .await
    }

    /// Makes a job of a task at once, beside those that its schedule makes; returns its id. A
    /// service gets its next one, if it has none: [`TaskError::Runs`]. One that would be a
    /// duplicate of another job is none: [`TaskError::DuplicateJob`].
    ///
    /// # Errors
    ///
    /// [`TaskError::Unknown`] if no task has the id, [`TaskError::Cancelled`] if it was cancelled,
    /// [`TaskError::Paused`] if it is paused, [`TaskError::Runs`] if it is a service whose job has
    /// not ended, [`TaskError::DuplicateJob`] if another job holds the unique key;
    /// [`TaskError::Database`] if Postgres refused a statement or could not be reached.
    pub async fn run_now(self, id: Uuid) -> Result<Uuid, TaskError> {
        self.run_now_as(id, Uuid::now_v7()).await
    }

    /// The same with an id of yours for the job, a UUID of version 7, so that a call whose answer
    /// was lost is repeated without making a second job.
    ///
    /// # Errors
    ///
    /// Those of [`Tasks::run_now`].
    pub async fn run_now_as(self, id: Uuid, job_id: Uuid) -> Result<Uuid, TaskError> {
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            let held = self.hold(id, &mut tx).await?;
            // A second call with this id waits above until the first is done.
            if !self.client.jobs().existing_on(&[job_id], &mut *tx).await?.is_empty() {
                return Ok(job_id);
            }
            if held.task.status == TaskStatus::Paused {
                return Err(TaskError::Paused);
            }
            let definition = &held.task.definition;
            if definition.is_service() && self.rooms([(id, definition)].into_iter(), &mut tx).await?[&id] < 1 {
                return Err(TaskError::Runs);
            }
            let mut at = held.now;
            let queues = loop {
                let outcome = Firing::Job { job_id, run_at: held.now };
                let due = Due { task_id: id, definition, at: Some(at), outcome, event: None };
                let made = self.record(vec![due], &mut tx).await?;
                if let Some(holder) = made.holder {
                    return Err(TaskError::DuplicateJob(holder));
                }
                if !made.queues.is_empty() {
                    break made.queues;
                }
                // The task was due at this very microsecond, and an instant makes one job.
                at += TimeDelta::microseconds(1);
            };
            tx.commit().await?;
            notifier::tell(self.client, queues.iter().map(|queue| &**queue));
            Ok(job_id)
        })
        .await
    }

    /// Ends a task for good: its waiting jobs are removed, those that run are asked to stop.
    ///
    /// # Errors
    ///
    /// [`TaskError::Unknown`] if no task has the id; [`TaskError::Database`] if Postgres refused a
    /// statement or could not be reached.
    pub async fn cancel(self, id: Uuid) -> Result<TaskCancelled, TaskError> {
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            self.stop_task(id, TaskStatus::Cancelled, &mut tx).await?;
            let (task, unreadable) = self.task_or_reason(id, &mut tx).await?.ok_or(TaskError::Unknown)?;
            self.release_task_key(id, &mut tx).await?;
            let (removed, asked) = self.cancel_jobs_of(id, &mut tx).await?;
            tx.commit().await?;
            if asked > 0 {
                notifier::tell(self.client, [CANCELS]);
            }
            Ok(TaskCancelled { task, unreadable, removed, asked })
        })
        .await
    }

    /// Cancels a task and removes it; false: there was none. Its jobs, runs and fires stay until
    /// they are past retention.
    ///
    /// # Errors
    ///
    /// [`TaskError::Database`] if Postgres refused a statement or could not be reached.
    pub async fn delete(self, id: Uuid) -> Result<bool, TaskError> {
        match self.cancel(id).await {
            Ok(_) => {}
            Err(TaskError::Unknown) => return Ok(false),
            Err(error) => return Err(error),
        }
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            let removed = self.remove_task(id, &mut tx).await?;
            tx.commit().await?;
            Ok(removed)
        })
        .await
    }

    /// Sets jobs of paused tasks aside that came back to wait: retries, and those of dead workers.
    pub(crate) async fn park_all_paused(self) -> sqlx::Result<()> {
        let mut tx = self.client.begin().await?;
        self.park_jobs(None, &mut tx).await?;
        tx.commit().await
    }

    async fn cancel_jobs_of(self, id: Uuid, db: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
        let (mut removed, mut asked) = (0, 0);
        for _ in 0..LOOKS {
            let off = self.client.jobs().cancel_listed(Called::OfTask(id), "its task was cancelled", db).await?;
            // Those that run are asked again, and are the same.
            (removed, asked) = (removed + off.removed, off.asked);
            if off.left_over == 0 {
                break;
            }
        }
        Ok((removed, asked))
    }
}

fn not_due() -> TaskError {
    let reason = "cannot be applied: the task is not due by the clock any more".to_owned();
    InvalidField { field: "delay", reason }.into()
}
