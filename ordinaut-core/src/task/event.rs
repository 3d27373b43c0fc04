//! Events that people publish: each task with a matching topic makes a job of one, and no second one if it is repeated.

use super::TaskError;
use super::due::Room;
use crate::store::database::Database;
use crate::store::task::Task;
use crate::store::task::fire::{Due, Reached};
use crate::vocabulary::new_job::{InvalidField, MAX_ARGS_BYTES};
use crate::vocabulary::nul;
use crate::vocabulary::schedule::definition::Compiled;
use crate::vocabulary::schedule::topic::Topic;
use crate::wakeup::hinter;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashSet;

/// What an event has brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Published {
    /// How many tasks wait for its topic.
    pub tasks: usize,
    /// How many jobs it made; fewer if it is a repeat, or if a task's jobs must not overlap.
    pub jobs: usize,
}

impl Database {
    /// Publishes an event: each active task whose topic matches makes a job, whose arguments have the event's `id`,
    /// `topic` and `payload` under `event`. The same `id` again makes none.
    pub async fn publish(&self, topic: &str, id: &str, payload: &Value) -> Result<Published, TaskError> {
        let invalid = |field, reason: &str| InvalidField { field, reason: reason.to_owned() };
        if Topic::parse(topic).is_err() || topic.contains(['*', '#']) {
            return Err(invalid("topic", "must be words of letters, digits, - and _ with dots between them").into());
        }
        if !(1..=200).contains(&id.chars().count()) || id.chars().any(char::is_control) {
            return Err(invalid("id", "must be of 1 to 200 characters, without control characters").into());
        }
        if nul::escapes(&payload.to_string()).next().is_some() {
            return Err(invalid("payload", "must not contain \\u0000, which Postgres cannot store").into());
        }
        let mut tx = self.begin_by_key().await?;
        let now = self.now(&mut *tx).await?;
        let mut tasks = self.event_tasks(&mut tx).await?;
        tasks.retain(|task| waits_for(task, topic, now));
        let mut unfinished = self.unfinished(tasks.iter().map(|task| (task.id, &task.definition)), &mut tx).await?;
        let (mut due, mut taken_keys) = (Vec::new(), HashSet::new());
        for task in &tasks {
            let args = with_event(&task.definition.args, topic, id, payload);
            if args.len() > MAX_ARGS_BYTES {
                return Err(invalid("payload", "must not be larger than 1 MiB with the arguments of a task").into());
            }
            let reached = Reached { id: id.to_owned(), topic: topic.to_owned(), args };
            let mut room = Room::of(&task.definition, unfinished.remove(&task.id).unwrap_or_default());
            let outcome = room.firing(now, &mut taken_keys);
            due.push(Due { task_id: task.id, at: None, outcome, event: Some(reached) });
        }
        let made = self.record(&due, &mut tx).await?;
        tx.commit().await?;
        hinter::tell(self, made.iter().map(|queue| &**queue));
        Ok(Published { tasks: tasks.len(), jobs: made.len() })
    }
}

fn waits_for(task: &Task, topic: &str, now: DateTime<Utc>) -> bool {
    let schedule = &task.definition.schedule;
    schedule.is_open(now) && matches!(schedule.compile(&[]), Ok(Compiled::Event(pattern)) if pattern.matches(topic))
}

/// A task's arguments with the event beside them; arguments that are no object are under `args`.
fn with_event(args: &Value, topic: &str, id: &str, payload: &Value) -> String {
    let mut document = match args {
        Value::Object(fields) => fields.clone(),
        other => [("args".to_owned(), other.clone())].into_iter().collect(),
    };
    document.insert("event".to_owned(), json!({"id": id, "topic": topic, "payload": payload}));
    Value::Object(document).to_string()
}
