//! Tasks: created, changed, told what to do, and fired when they are due.

pub(crate) mod calendars;
pub(crate) mod condition;
pub(crate) mod control;
pub(crate) mod fire;
pub(crate) mod next_run;
pub(crate) mod publish;
pub(crate) mod put;
pub(crate) mod recount;
pub(crate) mod service;

use crate::task::error::TaskError;
pub use crate::task::run::calendars::CalendarDeleted;
pub use crate::task::run::control::{TaskCancelled, TaskPaused};
pub(crate) use crate::task::run::fire::PassedOver;
pub use crate::task::run::next_run::preview;
pub use crate::task::run::publish::Published;
pub use crate::task::run::put::{Leftover, TaskPut, TaskSync};

#[cfg(doc)]
use crate::client::ClientBuilder;
use crate::client::Tasks;
use crate::db::contention::undisturbed;
use crate::error::{Error, InvalidField};
use crate::failure::is_taken;
use crate::notify::{TASKS, notifier};
use crate::schedule::kind::ScheduleKind;
use crate::task::definition::{KEPT_READABLE, TaskDefinition};
use crate::task::store::{Held, Task, TaskStatus};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

impl Tasks<'_> {
    /// Creates a task, due from now on; a single time (`once`) that is over by no more than the
    /// grace is due at once. A schedule that names no zone gets the installation's, which the
    /// answer has.
    ///
    /// # Errors
    ///
    /// [`TaskError::Invalid`] if a field of the definition or of its schedule cannot be accepted,
    /// it is never due, or more often than [`ClientBuilder::max_fires_per_hour`] allows;
    /// [`TaskError::Duplicate`] if another task holds its `dedupe_key`; [`TaskError::Exhausted`] if
    /// calendars close too many of its days; [`TaskError::Database`] if Postgres refused a
    /// statement or could not be reached.
    pub async fn create(self, definition: &TaskDefinition) -> Result<Task, TaskError> {
        self.create_as(Uuid::now_v7(), definition).await
    }

    /// The same with an id of yours, so that a call whose answer was lost is repeated without
    /// making a second task: the task that has the id is the answer.
    ///
    /// # Errors
    ///
    /// Those of [`Tasks::create`].
    pub async fn create_as(self, id: Uuid, definition: &TaskDefinition) -> Result<Task, TaskError> {
        let definition = &self.own(definition.clone())?;
        self.check_task(definition)?;
        self.check_schedule(definition)?;
        let created = undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            if let Some(task) = self.task_on(id, &mut tx).await? {
                return Ok(task);
            }
            let now = self.now(&mut *tx).await?;
            let mut schedule = definition.schedule.clone();
            if schedule.timezone.is_empty() {
                schedule.timezone = self.client.time_zone_on(&mut *tx).await?;
            }
            let definition = TaskDefinition { schedule: schedule.anchored(now)?, ..definition.clone() };
            let next = next_run::first_run(self.client, &definition, now, &mut tx).await?;
            if next.is_none() && definition.schedule.kind.goes_by_the_clock() {
                return Err(InvalidField { field: "expr", reason: "is not due any more".to_owned() }.into());
            }
            let created = self.insert_task(id, &definition, next, now, &mut tx).await?;
            if created != id {
                return Err(TaskError::Duplicate(created));
            }
            let task = self.task_on(id, &mut tx).await?.ok_or(TaskError::Unknown)?;
            tx.commit().await?;
            notifier::tell(self.client, [TASKS]);
            Ok(task)
        })
        .await;
        match created {
            // A call with the same id was quicker.
            Err(TaskError::Database(Error::Database(error))) if is_taken(&error) => {
                self.get(id).await?.ok_or_else(|| error.into())
            }
            created => created,
        }
    }

    /// Gives a task another definition; with a `version`, only if it is still at that one. What
    /// runs is untouched. A new schedule is due from now on, never before. The same definition
    /// again changes nothing, the version neither.
    ///
    /// # Errors
    ///
    /// [`TaskError::Unknown`] if no task has the id, [`TaskError::Cancelled`] if it was cancelled,
    /// [`TaskError::Changed`] if it is at another version, and those of [`Tasks::create`]. Its
    /// `dedupe_key` cannot change.
    pub async fn update(self, id: Uuid, definition: &TaskDefinition, version: Option<i64>) -> Result<Task, TaskError> {
        self.change_held(id, version, |_| Ok(definition.clone())).await
    }

    /// The same with only what differs: [`TaskDefinition::patched`].
    ///
    /// # Errors
    ///
    /// [`TaskError::Unreadable`] if the patched definition cannot be read, and those of
    /// [`Tasks::update`].
    pub async fn patch(self, id: Uuid, patch: &Value, version: Option<i64>) -> Result<Task, TaskError> {
        self.change_held(id, version, |definition| Ok(definition.patched(patch)?)).await
    }

    async fn change_held(
        self,
        id: Uuid,
        version: Option<i64>,
        change: impl Fn(&TaskDefinition) -> Result<TaskDefinition, TaskError>,
    ) -> Result<Task, TaskError> {
        let change = &change;
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            let mut held = self.hold(id, &mut tx).await?;
            if version.is_some_and(|version| version != held.task.version) {
                return Err(TaskError::Changed(held.task.version));
            }
            let mut definition = change(&held.task.definition)?;
            definition.tenant = definition.tenant.or_else(|| held.task.definition.tenant.clone());
            if definition.tenant != held.task.definition.tenant {
                let reason = "cannot be changed: its jobs are of the tenant that it was created for".to_owned();
                return Err(InvalidField { field: "tenant", reason }.into());
            }
            let mut definition = self.own(definition)?;
            self.check_task(&definition)?;
            if definition.schedule != held.task.definition.schedule {
                self.check_schedule(&definition)?;
            }
            if definition.schedule.timezone.is_empty() {
                // Not the installation's, which may be another one by now.
                definition.schedule.timezone.clone_from(&held.task.definition.schedule.timezone);
            }
            let before = std::mem::replace(&mut held.task.definition, definition);
            let after = &held.task.definition;
            if (&after.dedupe_key, after.dedupe_window) != (&before.dedupe_key, before.dedupe_window) {
                let reason = "cannot be changed: it is held since the task was created".to_owned();
                return Err(InvalidField { field: "dedupe_key", reason }.into());
            }
            let schedule = &mut held.task.definition.schedule;
            let same_rule = (schedule.kind, &schedule.expr) == (before.schedule.kind, &before.schedule.expr);
            if same_rule && schedule.dtstart.is_none() {
                schedule.dtstart = before.schedule.dtstart;
            }
            *schedule = schedule.clone().anchored(held.now)?;
            if held.task.definition == before {
                // No new version, so that an If-Match with the version that was read still holds.
                return Ok(held.task);
            }
            let after = &held.task.definition;
            let rescheduled = after.schedule != before.schedule;
            let next = match rescheduled {
                true => next_run::first_run(self.client, after, held.now, &mut tx).await?,
                false => next_run::next_run(self.client, after, held.now, &mut tx).await?,
            };
            let counted =
                held.task.status == TaskStatus::Active && (rescheduled || after.calendars != before.calendars);
            if counted {
                (held.task.next_run_at, held.condition_state) = (next, None);
            }
            let task = self.store_task(&held, counted, &mut tx).await?;
            tx.commit().await?;
            notifier::tell(self.client, [TASKS]);
            Ok(task)
        })
        .await
    }

    /// A task as the caller may have it: of its tenant, if it names none, and in one of its queues.
    pub(crate) fn own(self, definition: TaskDefinition) -> Result<TaskDefinition, InvalidField> {
        let Some(sight) = self.client.sight() else { return Ok(definition) };
        let tenant = definition.tenant.clone().or_else(|| sight.tenant.clone());
        sight.may_have(tenant.as_deref(), &definition.queue)?;
        Ok(TaskDefinition { tenant, ..definition })
    }

    /// Topics and facts are of the whole installation: by a task that listens to them, a caller
    /// would get what others publish.
    fn check_schedule(self, definition: &TaskDefinition) -> Result<(), InvalidField> {
        let listens = matches!(definition.schedule.kind, ScheduleKind::Event | ScheduleKind::Condition);
        if listens && self.client.sight().is_some() {
            let reason = "must not be event or condition: those look at the whole installation".to_owned();
            return Err(InvalidField { field: "schedule.kind", reason });
        }
        Ok(())
    }

    /// A task keeps its arguments readable: one of a kind whose arguments are encrypted would give
    /// them away.
    fn check_task(self, definition: &TaskDefinition) -> Result<(), InvalidField> {
        if self.client.encrypts(&definition.kind) {
            return Err(InvalidField { field: "kind", reason: KEPT_READABLE.to_owned() });
        }
        definition.check()
    }

    /// The task, which nobody else changes or fires until the transaction ends. One that was
    /// cancelled is an error.
    async fn hold(self, id: Uuid, db: &mut PgConnection) -> Result<Held, TaskError> {
        let held = self.hold_task(id, db).await?.ok_or(TaskError::Unknown)?;
        if held.task.status == TaskStatus::Cancelled { Err(TaskError::Cancelled) } else { Ok(held) }
    }
}
