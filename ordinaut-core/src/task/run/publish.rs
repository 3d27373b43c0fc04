//! Events that people publish: each task with a matching topic makes a job of one, and no second
//! one if it is repeated.

use crate::client::Tasks;
use crate::db::contention::undisturbed;
use crate::error::InvalidField;
use crate::job::args::{self, MAX_ARGS_BYTES};
use crate::notify::notifier;
use crate::schedule::definition::{Compiled, Schedule};
use crate::schedule::topic_pattern::check_topic;
use crate::step::run::tell_of_event;
use crate::task::definition::TaskDefinition;
use crate::task::error::TaskError;
use crate::task::run::condition::readable;
use crate::task::run::next_run::blocking;
use crate::task::store::fire::{Due, Firing, Reached};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Tasks that one event reaches at most: it makes all their jobs in one transaction.
const MOST_TASKS: usize = 1_000;

/// Octets of arguments that one event makes at most, of all its jobs together.
const MOST_OCTETS: usize = 64 * 1024 * 1024;

/// Definitions that are read at once: each may be a megabyte.
const TASKS_A_STATEMENT: usize = 8;

/// What an event has brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Published {
    /// Number of tasks that wait for its topic.
    pub tasks: usize,
    /// Number of jobs that it made for them; fewer if it is a repeat, or if a task's jobs must not
    /// overlap.
    pub jobs: usize,
}

impl Tasks<'_> {
    /// Publishes an event: each active task whose topic matches makes a job, whose arguments have
    /// the event's `id`, `topic`, `key` and `payload` under `event`, and each job that
    /// [waits](crate::Context::wait_for) for the topic and the key goes on. `key` says what the
    /// event is about, such as the number of an order, and may be empty. The same `id` of a topic
    /// again does nothing.
    ///
    /// # Errors
    ///
    /// [`TaskError::Invalid`] if `topic`, `id` or `payload` cannot be accepted, or the event
    /// reaches more tasks, or makes larger arguments, than one event may; [`TaskError::Database`]
    /// if Postgres refused a statement or could not be reached.
    pub async fn publish(self, topic: &str, key: &str, id: &str, payload: &Value) -> Result<Published, TaskError> {
        let invalid = |field, reason: &str| InvalidField { field, reason: reason.to_owned() };
        check_topic(topic)?;
        if !(1..=200).contains(&id.chars().count()) || id.chars().any(char::is_control) {
            return Err(invalid("id", "must be of 1 to 200 characters, without control characters").into());
        }
        if key.chars().count() > 200 || key.chars().any(char::is_control) {
            return Err(invalid("key", "must be of 200 characters at most, without control characters").into());
        }
        let text = payload.to_string();
        args::check(&text).map_err(|reason| invalid("payload", reason))?;
        let text = &*text;
        let (published, kept) = undisturbed(|| async move {
            let mut tx = self.client.begin_by_key().await?;
            let now = self.now(&mut *tx).await?;
            // Only those that it reaches are read with their arguments, which may be large.
            let mut ids = self.event_tasks(topic, &mut tx).await?;
            ids.retain(|(_, schedule)| waits_for(schedule, topic, now));
            let ids: Vec<Uuid> = ids.into_iter().map(|(id, _)| id).collect();
            if ids.len() > MOST_TASKS {
                let reason = format!("reaches {} tasks, and an event reaches {MOST_TASKS} at most", ids.len());
                return Err(invalid("topic", &reason).into());
            }
            let event = Arc::new(json!({"id": id, "topic": topic, "key": key, "payload": payload}));
            let (mut tasks, mut octets) = (Vec::with_capacity(ids.len()), 0);
            for some in ids.chunks(TASKS_A_STATEMENT) {
                for (task_id, text) in self.definitions(some, true, &mut tx).await? {
                    let event = Arc::clone(&event);
                    let Some(task) = blocking(move || Reachable::read(task_id, &text, &event)).await? else { continue };
                    octets += task.args.len();
                    if task.args.len() > MAX_ARGS_BYTES {
                        return Err(
                            invalid("payload", "must not be larger than 1 MiB with the arguments of a task").into()
                        );
                    }
                    if octets > MOST_OCTETS {
                        let reason = "must not be larger than 64 MiB with the arguments of all tasks that it reaches";
                        return Err(invalid("payload", reason).into());
                    }
                    tasks.push(task);
                }
            }
            let mut rooms = self.rooms(tasks.iter().map(|task| (task.id, &task.definition)), &mut tx).await?;
            let (reached, mut due) = (tasks.len(), Vec::new());
            for task in &mut tasks {
                let outcome = Firing::within(rooms.get_mut(&task.id), now);
                let event =
                    Reached { id: id.to_owned(), topic: topic.to_owned(), args: std::mem::take(&mut task.args) };
                due.push(Due { task_id: task.id, definition: &task.definition, at: None, outcome, event: Some(event) });
            }
            let made = self.record(due, &mut tx).await?.queues;
            let kept = self.client.jobs().keep_event(topic, key, id, text, &mut tx).await?;
            tx.commit().await?;
            notifier::tell(self.client, made.iter().map(|queue| &**queue));
            Ok::<_, TaskError>((Published { tasks: reached, jobs: made.len() }, kept))
        })
        .await?;
        if let Some(n) = kept {
            tell_of_event(self.client, n).await;
        }
        Ok(published)
    }
}

/// A task that an event reaches, with the arguments that its job gets.
struct Reachable {
    id: Uuid,
    /// Without its own arguments.
    definition: TaskDefinition,
    args: String,
}

impl Reachable {
    fn read(id: Uuid, text: &str, event: &Value) -> Option<Self> {
        let mut definition = readable(id, text)?;
        let args = with_event(std::mem::take(&mut definition.args), event);
        Some(Self { id, definition, args })
    }
}

/// One whose schedule cannot be read waits for nothing.
fn waits_for(schedule: &str, topic: &str, now: DateTime<Utc>) -> bool {
    let Ok(schedule) = serde_json::from_str::<Schedule>(schedule) else { return false };
    schedule.is_open(now) && matches!(schedule.compile(&[]), Ok(Compiled::Event(pattern)) if pattern.matches(topic))
}

/// A task's arguments with the event beside them; arguments that are no object are under `args`.
fn with_event(args: Value, event: &Value) -> String {
    let mut document = match args {
        Value::Object(fields) => fields,
        other => [("args".to_owned(), other)].into_iter().collect(),
    };
    document.insert("event".to_owned(), event.clone());
    Value::Object(document).to_string()
}
