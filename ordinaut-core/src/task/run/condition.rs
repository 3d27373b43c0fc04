//! Conditions: facts are looked at each second, and a task fires when its condition has become
//! true.

use crate::client::Tasks;
use crate::error::InvalidField;
use crate::name;
use crate::notify::notifier;
use crate::schedule::condition::Condition;
use crate::schedule::definition::{Compiled, Schedule};
use crate::task::definition::TaskDefinition;
use crate::task::error::TaskError;
use crate::task::store::fact::ConditionTask;
use crate::task::store::fire::{Due, Firing};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::HashMap;
use tracing::warn;
use uuid::Uuid;

/// Maximum number of tasks that one transaction looks at.
const BATCH: i64 = 200;

impl Tasks<'_> {
    /// Looks at every condition once; says how many tasks fired.
    pub(crate) async fn fire_conditions(self) -> sqlx::Result<usize> {
        let (mut after, mut fired) = (None, 0);
        loop {
            let mut tx = self.client.begin_by_key().await?;
            let tasks = self.condition_tasks(BATCH, after, &mut tx).await?;
            let Some(last) = tasks.last() else { return Ok(fired) };
            after = Some(last.id);
            let mut true_now = Vec::new();
            for task in &tasks {
                let Some(condition) = condition(task) else { continue };
                let before = task.condition_state.unwrap_or_default();
                let value = self.fact(&condition, &mut tx).await?;
                let (state, fires) = before.step(&condition, value, task.now);
                if state != before {
                    self.store_condition_state(task.id, &state, &mut tx).await?;
                }
                if fires {
                    true_now.push((task.id, task.now));
                }
            }
            let (count, queues) = self.fire_true(&true_now, &mut tx).await?;
            fired += count;
            tx.commit().await?;
            notifier::tell(self.client, queues.iter().map(|queue| &**queue));
        }
    }

    /// Fires the tasks whose conditions have become true, each at its instant; says how many, and
    /// the queues of their jobs.
    async fn fire_true(
        self,
        true_now: &[(Uuid, DateTime<Utc>)],
        db: &mut PgConnection,
    ) -> sqlx::Result<(usize, Vec<String>)> {
        if true_now.is_empty() {
            return Ok((0, Vec::new()));
        }
        let ids: Vec<Uuid> = true_now.iter().map(|(id, _)| *id).collect();
        let texts = self.definitions(&ids, false, db).await?;
        let definitions: HashMap<Uuid, TaskDefinition> =
            texts.into_iter().filter_map(|(id, text)| Some((id, readable(id, &text)?))).collect();
        let mut rooms = self.rooms(definitions.iter().map(|(id, definition)| (*id, definition)), db).await?;
        let mut due = Vec::new();
        for (task_id, now) in true_now {
            let Some(definition) = definitions.get(task_id) else { continue };
            let outcome = Firing::within(rooms.get_mut(task_id), *now);
            due.push(Due { task_id: *task_id, definition, at: Some(*now), outcome, event: None });
        }
        Ok((due.len(), self.record(due, db).await?.queues))
    }

    /// Keeps a value for conditions to look at: `fact(disk_free) < 10`.
    ///
    /// # Errors
    ///
    /// [`TaskError::Invalid`] if the name is no name or the value is not finite;
    /// [`TaskError::Database`] if Postgres refused a statement or could not be reached.
    pub async fn push_fact(self, name: &str, value: f64) -> Result<(), TaskError> {
        name::check(name).map_err(|reason| InvalidField { field: "name", reason: reason.to_owned() })?;
        if !value.is_finite() {
            return Err(InvalidField { field: "value", reason: "must be a finite number".to_owned() }.into());
        }
        Ok(self.store_fact(name, value).await?)
    }
}

/// What a task waits for now; nothing outside of its bounds, or if its schedule cannot be read.
fn condition(task: &ConditionTask) -> Option<Condition> {
    let schedule: Schedule = serde_json::from_str(&task.schedule).ok()?;
    match schedule.compile(&[]) {
        Ok(Compiled::Condition(condition)) if schedule.is_open(task.now) => Some(condition),
        _ => None,
    }
}

/// A definition, unless it cannot be read, or is one whose jobs Postgres refuses: then its task
/// makes no job, and the others do.
pub(crate) fn readable(id: Uuid, text: &str) -> Option<TaskDefinition> {
    let read = serde_json::from_str(text).map_err(|error| error.to_string());
    let read = read.and_then(|read: TaskDefinition| match read.check() {
        Ok(()) => Ok(read),
        Err(invalid) => Err(invalid.to_string()),
    });
    read.inspect_err(|reason| warn!("task {id} makes no job: its definition cannot be used: {reason}")).ok()
}
