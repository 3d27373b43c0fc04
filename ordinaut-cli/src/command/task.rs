//! `ordinaut task`.

use super::enqueue::duration;
use super::task_history;
use crate::args::{Change, Create, ListTasks, OneTask, Task, When};
use crate::command::pages::collect;
use crate::command::pipeline::refuse_faulty;
use crate::output::{answer, facts, or_dash, refuse_masked, shown_json, table, time};
use anyhow::{Context, anyhow, bail};
use ordinaut_core::Client;
use ordinaut_core::db::Unreadable;
use ordinaut_core::json::check_integers;
use ordinaut_core::task::{Task as Stored, TaskDefinition, TaskError, TaskFilter};
use serde_json::{Map, Value, json};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

pub(crate) async fn run(database: &Client, task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Create(create) => self::create(database, *create).await?,
        Task::List(wanted) => list(database, wanted).await?,
        Task::Show(OneTask { id, format }) => {
            let task = match database.tasks().get(id).await {
                Ok(task) => task.ok_or_else(|| no_task(id))?,
                Err(error) => match database.tasks().why_unreadable(id).await? {
                    Some(unreadable) => bail!("{}", not_read(&unreadable)),
                    None => return Err(error.into()),
                },
            };
            answer(format, &task, || shown(&task))?;
        }
        Task::Change(change) => self::change(database, change).await?,
        Task::Preview(_) => unreachable!("answered without a database"),
        Task::Pause(OneTask { id, format }) => {
            let paused = database.tasks().pause(id).await.map_err(|error| of(id, error))?;
            paused.unreadable.iter().for_each(|unreadable| tracing::warn!("{}", not_read(unreadable)));
            answer(format, &paused, || format!("task {id} is paused; jobs parked: {}", paused.parked))?;
        }
        Task::Resume(OneTask { id, format }) => {
            let task = database.tasks().resume(id).await.map_err(|error| of(id, error))?;
            answer(format, &task, || format!("task {id} is active again; {}", due(&task)))?;
        }
        Task::RunNow(OneTask { id, format }) => {
            let job_id = database.tasks().run_now(id).await.map_err(|error| of(id, error))?;
            answer(format, &json!({"job_id": job_id}), || job_id.to_string())?;
        }
        Task::Cancel(OneTask { id, format }) => {
            let cancelled = database.tasks().cancel(id).await.map_err(|error| of(id, error))?;
            cancelled.unreadable.iter().for_each(|unreadable| tracing::warn!("{}", not_read(unreadable)));
            let text = || {
                let (removed, asked) = (cancelled.removed, cancelled.asked);
                format!("task {id} is cancelled; jobs removed: {removed}, asked to stop: {asked}")
            };
            answer(format, &cancelled, text)?;
        }
        Task::Delete(OneTask { id, format }) => {
            if !database.tasks().delete(id).await.map_err(|error| of(id, error))? {
                return Err(no_task(id));
            }
            answer(format, &json!({"id": id, "deleted": true}), || format!("task {id} is deleted"))?;
        }
        Task::Snooze { task: OneTask { id, format }, delay } => {
            // What is no length of time is refused as one that is too short.
            let delay = Duration::try_from_secs_f64(delay).unwrap_or_default();
            let task = database.tasks().snooze(id, delay).await.map_err(|error| of(id, error))?;
            answer(format, &task, || format!("task {id} is snoozed; {}", due(&task)))?;
        }
        Task::Fires(history) => task_history::fires(database, history).await?,
        Task::Runs(history) => task_history::runs(database, history).await?,
        Task::Stats { task, days } => task_history::statistics(database, task, days).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(database: &Client, create: Create) -> anyhow::Result<()> {
    let format = create.format;
    let document = document(create)?;
    refuse_masked(document.get("args"))?;
    let definition = TaskDefinition::from_json(document)?;
    refuse_faulty(&definition.kind, &definition.args.to_string())?;
    let task = database.tasks().create(&definition).await?;
    answer(format, &task, || task.id.to_string())
}

/// The definition in the file, with what the flags say.
fn document(create: Create) -> anyhow::Result<Value> {
    let mut document = match &create.file {
        None => Map::new(),
        Some(file) => match parsed(&file.display().to_string(), &read(file)?)? {
            Value::Object(fields) => fields,
            _ => bail!("{} must be a JSON object", file.display()),
        },
    };
    let mut say = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            document.insert(field.to_owned(), value);
        }
    };
    say("title", create.title.map(Value::from));
    say("description", create.description.map(Value::from));
    say("kind", create.kind.map(Value::from));
    say("args", create.args.map(|args| parsed("--args", &args)).transpose()?);
    say("queue", create.queue.map(Value::from));
    say("tenant", create.tenant.map(Value::from));
    say("priority", create.priority.map(Value::from));
    say("max_retries", create.max_retries.map(Value::from));
    let timeout = create.timeout.map(|seconds| duration("--timeout", seconds)).transpose()?;
    say("timeout", timeout.map(|timeout| timeout.as_secs_f64().into()));
    say("tags", Some(create.tags).filter(|tags| !tags.is_empty()).map(Value::from));
    say("calendars", Some(create.calendars).filter(|names| !names.is_empty()).map(Value::from));
    say("misfire", create.misfire.map(Value::from));
    say("max_instances", create.max_instances.map(Value::from));
    say("concurrency_key", create.concurrency_key.map(Value::from));
    say("dedupe_key", create.dedupe_key.map(Value::from));
    let placement = create.fit.placement();
    say("placement", (!placement.is_empty()).then(|| json!(placement)));
    let schedule = schedule(create.when);
    if !schedule.is_empty() {
        match document.get_mut("schedule") {
            Some(Value::Object(fields)) if !schedule.contains_key("kind") => fields.extend(schedule),
            // Another rule is another schedule: nothing of the old one means anything to it.
            _ => drop(document.insert("schedule".to_owned(), schedule.into())),
        }
    }
    Ok(document.into())
}

/// What a text says; large integers are refused, which would be rounded.
pub(super) fn parsed(origin: &str, text: &str) -> anyhow::Result<Value> {
    let value = serde_json::from_str(text).with_context(|| format!("{origin} is not JSON"))?;
    check_integers(text).with_context(|| origin.to_owned())?;
    Ok(value)
}

pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("could not read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
}

/// What the flags say of a schedule.
pub(super) fn schedule(when: When) -> Map<String, Value> {
    let mut schedule = Map::new();
    if let Some((kind, expr)) = when.rule.given() {
        schedule.insert("kind".to_owned(), kind.as_str().into());
        schedule.insert("expr".to_owned(), expr.into());
    }
    let rest = [
        ("timezone", when.timezone.map(Value::from)),
        ("dtstart", when.dtstart.map(|wall| json!(wall))),
        ("starts_at", when.starts_at.map(|at| json!(at))),
        ("ends_at", when.ends_at.map(|at| json!(at))),
        ("gap", when.gap.map(|gap| json!(gap))),
    ];
    schedule.extend(rest.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))));
    schedule
}

async fn list(database: &Client, wanted: ListTasks) -> anyhow::Result<()> {
    let mut filter = TaskFilter::default();
    (filter.status, filter.kind, filter.queue) = (wanted.status, wanted.kind, wanted.queue);
    (filter.schedule_kind, filter.title) = (wanted.schedule_kind, wanted.title);
    (filter.text, filter.created_by) = (wanted.text, wanted.created_by);
    let tasks = collect(wanted.limit, async |limit, next: Option<Uuid>| {
        let mut page = filter.clone();
        page.before = next.or(wanted.before);
        database.tasks().list(&page, limit).await
    })
    .await?;
    tasks.unreadable.iter().for_each(|unreadable| tracing::warn!("{}", not_read(unreadable)));
    answer(wanted.format, &tasks.items, || {
        let rows = tasks.iter().map(|task| {
            [
                task.id.to_string(),
                task.definition.title.clone(),
                task.definition.kind.clone(),
                task.status.to_string(),
                rule(task),
                or_dash(task.next_run_at.map(time)),
            ]
        });
        table(["ID", "TITLE", "KIND", "STATUS", "SCHEDULE", "DUE"], rows)
    })
}

async fn change(database: &Client, Change { task, patch, version }: Change) -> anyhow::Result<()> {
    let OneTask { id, format } = task;
    let patch = parsed("--patch", &patch)?;
    refuse_masked(patch.get("args"))?;
    let task = database.tasks().patch(id, &patch, version).await.map_err(|error| of(id, error))?;
    answer(format, &task, || format!("task {id} is at version {}; {}", task.version, due(&task)))
}

fn shown(task: &Stored) -> String {
    let definition = &task.definition;
    let mut known = vec![
        ("id", task.id.to_string()),
        ("title", definition.title.clone()),
        ("kind", definition.kind.clone()),
        ("args", shown_json(Some(&definition.args))),
        ("queue", format!("{}, priority {}", definition.queue, definition.priority)),
        ("schedule", format!("{}, {}", rule(task), definition.schedule.timezone)),
        ("misfire", definition.misfire.to_string()),
        ("status", task.status.to_string()),
    ];
    known.extend(task.last_error.iter().map(|error| ("last error", error.clone())));
    known.extend(task.next_run_at.map(|at| ("due", time(at))));
    known.extend((task.misfires > 0).then(|| ("misfires", task.misfires.to_string())));
    known.extend([("version", task.version.to_string()), ("created", time(task.created_at))]);
    facts(known)
}

fn rule(task: &Stored) -> String {
    format!("{} {}", task.definition.schedule.kind, task.definition.schedule.expr)
}

fn due(task: &Stored) -> String {
    match task.next_run_at {
        Some(at) => format!("due {}", time(at)),
        None => "not due by the clock".to_owned(),
    }
}

pub(super) fn no_task(id: Uuid) -> anyhow::Error {
    anyhow!("there is no task {id}")
}

fn not_read(Unreadable { id, title, reason, .. }: &Unreadable) -> String {
    format!("task {id} ({title}) cannot be read by this version: {reason}")
}

/// Names the task.
fn of(id: Uuid, error: TaskError) -> anyhow::Error {
    match error {
        TaskError::Unknown => no_task(id),
        TaskError::Changed(version) => {
            anyhow!("task {id} was changed by somebody else: it is at version {version} now")
        }
        TaskError::Paused => anyhow!("task {id} is paused"),
        TaskError::DuplicateJob(holder) => anyhow!("job {holder} holds the unique key of the jobs of task {id}"),
        TaskError::Cancelled => anyhow!("task {id} was cancelled"),
        other => other.into(),
    }
}
