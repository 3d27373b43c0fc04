//! Conditions: facts are looked at each second, and a task fires when its condition has become true.

use super::TaskError;
use super::due::Room;
use crate::store::database::Database;
use crate::store::task::fact::Watching;
use crate::store::task::fire::Due;
use crate::vocabulary::name;
use crate::vocabulary::new_job::InvalidField;
use crate::vocabulary::schedule::definition::Compiled;
use crate::vocabulary::schedule::predicate::Predicate;
use crate::wakeup::hinter;
use std::collections::HashSet;

/// As many tasks as one transaction looks at.
const BATCH: i64 = 200;

impl Database {
    /// Looks at every condition once; says how many tasks fired.
    pub(crate) async fn fire_conditions(&self) -> sqlx::Result<usize> {
        let (mut after, mut fired) = (None, 0);
        loop {
            let mut tx = self.begin_by_key().await?;
            let tasks = self.watching_tasks(BATCH, after, &mut tx).await?;
            let Some(last) = tasks.last() else { return Ok(fired) };
            after = Some(last.id);
            let mut true_now = Vec::new();
            for task in &tasks {
                let Some(predicate) = predicate(task) else { continue };
                let before = task.watch.unwrap_or_default();
                let value = self.fact(&predicate, &mut tx).await?;
                let (watch, fires) = before.step(&predicate, value, task.now);
                if watch != before {
                    self.store_watch(task.id, &watch, &mut tx).await?;
                }
                if fires {
                    true_now.push(task);
                }
            }
            let mut unfinished =
                self.unfinished(true_now.iter().map(|task| (task.id, &task.definition)), &mut tx).await?;
            let (mut due, mut taken_keys) = (Vec::new(), HashSet::new());
            for task in true_now {
                let mut room = Room::of(&task.definition, unfinished.remove(&task.id).unwrap_or_default());
                let outcome = room.firing(task.now, &mut taken_keys);
                due.push(Due { task_id: task.id, at: Some(task.now), outcome, event: None });
            }
            fired += due.len();
            let made = self.record(&due, &mut tx).await?;
            tx.commit().await?;
            hinter::tell(self, made.iter().map(|queue| &**queue));
        }
    }

    /// Keeps a value for conditions to look at: `fact(disk_free) < 10`.
    pub async fn push_fact(&self, name: &str, value: f64) -> Result<(), TaskError> {
        name::check(name).map_err(|reason| InvalidField { field: "name", reason: reason.to_owned() })?;
        if !value.is_finite() {
            return Err(InvalidField { field: "value", reason: "must be a finite number".to_owned() }.into());
        }
        Ok(self.store_fact(name, value).await?)
    }
}

/// What a task waits for now; nothing outside of its bounds.
fn predicate(task: &Watching) -> Option<Predicate> {
    let schedule = &task.definition.schedule;
    match schedule.compile(&[]) {
        Ok(Compiled::Condition(predicate)) if schedule.is_open(task.now) => Some(predicate),
        _ => None,
    }
}
