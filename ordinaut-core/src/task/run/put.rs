//! Tasks that a program defines: put at each start, however often it starts.

use crate::client::Tasks;
use crate::error::InvalidField;
use crate::task::definition::TaskDefinition;
use crate::task::error::TaskError;
use crate::task::store::{Task, TaskStatus};
use uuid::Uuid;

/// Others may create or delete the task between the look for it and the change.
const TRIES: usize = 8;

/// What [`Tasks::put`] did.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub enum TaskPut {
    /// There was none, and now there is this one.
    Created(Task),
    /// It got the new definition.
    Changed(Task),
    /// It had this definition.
    Unchanged(Task),
}

impl TaskPut {
    /// The task that there is now.
    pub fn task(&self) -> &Task {
        match self {
            Self::Created(task) | Self::Changed(task) | Self::Unchanged(task) => task,
        }
    }
}

/// What becomes of tasks that have left a set: [`Tasks::sync`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leftover {
    /// They stay as they are.
    Keep,
    /// They make no more jobs, and those that wait are set aside.
    Pause,
    /// They are gone; their jobs are cancelled, as by [`Tasks::delete`].
    Delete,
}

/// What [`Tasks::sync`] did.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct TaskSync {
    /// Of each definition, in their order.
    pub put: Vec<TaskPut>,
    /// Tasks that had left the set, and were paused or deleted.
    pub left: Vec<Uuid>,
}

impl Tasks<'_> {
    /// Creates the task, or gives the one that holds its `dedupe_key` this definition: the same
    /// call at each start of a program makes one task. The same definition again changes nothing,
    /// the version neither. A task that somebody paused stays paused.
    ///
    /// # Errors
    ///
    /// Without a `dedupe_key`, or with a `dedupe_window`, after which the key would be another's;
    /// and what [`Tasks::create`] and [`Tasks::update`] refuse.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn start(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::schedule::Schedule;
    /// use ordinaut_core::task::TaskDefinition;
    ///
    /// let nightly = Schedule::cron("30 2 * * *");
    /// let report = TaskDefinition::new("Nightly report", "report", nightly).dedupe_key("nightly-report");
    /// let put = client.tasks().put(&report).await?;
    /// println!("next at {:?}", put.task().next_run_at);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn put(self, definition: &TaskDefinition) -> Result<TaskPut, TaskError> {
        let definition = &self.own(definition.clone())?;
        let (key, held) = (name_of(definition)?, definition.held_key().unwrap_or_default());
        for _ in 0..TRIES {
            let Some(id) = self.of_key(&held).await? else {
                match self.create(definition).await {
                    Err(TaskError::Duplicate(_)) => continue,
                    created => return created.map(TaskPut::Created),
                }
            };
            let Some(before) = self.get(id).await? else { continue };
            match self.update(id, definition, None).await {
                Err(TaskError::Unknown | TaskError::Cancelled) => {}
                Ok(task) if task.version == before.version => return Ok(TaskPut::Unchanged(task)),
                changed => return changed.map(TaskPut::Changed),
            }
        }
        Err(TaskError::Contended(key.to_owned()))
    }

    /// Puts a set of tasks ([`Tasks::put`]), and sees to those that were in it before and are not
    /// any more. The keys of a set begin with its name and a slash: `billing/nightly` is in the set
    /// `billing`. Each task is put by itself; after an error those before it are put, and nothing
    /// that had left is touched.
    ///
    /// # Errors
    ///
    /// [`TaskError::Invalid`] if a key does not begin with the set's name and a slash, or is given
    /// twice; and those of [`Tasks::put`].
    pub async fn sync(
        self,
        set: &str,
        definitions: &[TaskDefinition],
        leftover: Leftover,
    ) -> Result<TaskSync, TaskError> {
        let prefix = format!("{set}/");
        let mut keys = Vec::new();
        for definition in definitions {
            let definition = self.own(definition.clone())?;
            let key = name_of(&definition)?;
            if set.is_empty() || !key.starts_with(&prefix) {
                return Err(
                    invalid(format!("must begin with the set's name and a slash, as in {prefix}nightly")).into()
                );
            }
            let held = definition.held_key().unwrap_or_default();
            if keys.contains(&held) {
                return Err(invalid(format!("{key} is given to two tasks of the set")).into());
            }
            keys.push(held);
        }
        let mut put = Vec::new();
        for definition in definitions {
            put.push(self.put(definition).await?);
        }
        let mut left = Vec::new();
        if leftover != Leftover::Keep {
            for id in self.of_set(&prefix, &keys).await? {
                if self.leave(id, leftover).await? {
                    left.push(id);
                }
            }
        }
        Ok(TaskSync { put, left })
    }

    /// Whether anything changed.
    async fn leave(self, id: Uuid, leftover: Leftover) -> Result<bool, TaskError> {
        if leftover == Leftover::Delete {
            return self.delete(id).await;
        }
        if self.get(id).await?.is_none_or(|task| task.status != TaskStatus::Active) {
            return Ok(false);
        }
        match self.pause(id).await {
            Err(TaskError::Unknown | TaskError::Cancelled) => Ok(false),
            paused => paused.map(|_| true),
        }
    }
}

/// The key by which a task is known.
fn name_of(definition: &TaskDefinition) -> Result<&str, InvalidField> {
    if definition.dedupe_window.is_some() {
        let reason = "must not be given: a task that is put holds its key for as long as it exists".to_owned();
        return Err(InvalidField { field: "dedupe_window", reason });
    }
    let missing = || invalid("is missing: it identifies a task that is put".to_owned());
    definition.dedupe_key.as_deref().ok_or_else(missing)
}

fn invalid(reason: String) -> InvalidField {
    InvalidField { field: "dedupe_key", reason }
}
