//! `ordinaut queue list|show|pause|resume|set`.

use crate::args::{ChangeQueue, Format, NamedQueue, Queue};
use crate::command::enqueue::duration;
use crate::command::pages::all;
use crate::output::{answer, facts, or_dash, table, time};
use anyhow::Context;
use ordinaut_core::Client;
use ordinaut_core::queue::{QueueChange, QueueRoom, QueueStatus};
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, queue: Queue) -> anyhow::Result<ExitCode> {
    match queue {
        Queue::List(format) => return list(database, format).await,
        Queue::Show(queue) => show(database, &queue).await?,
        Queue::Pause { queue, by, reason } => {
            database.queues().pause(&queue.name, by.as_deref(), reason.as_deref()).await?;
            show(database, &queue).await?;
        }
        Queue::Resume(queue) => {
            database.queues().resume(&queue.name).await?;
            show(database, &queue).await?;
        }
        Queue::Set(asked) => {
            database.queues().update(&asked.queue.name, &change(&asked)?).await?;
            show(database, &asked.queue).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn list(database: &Client, format: Format) -> anyhow::Result<ExitCode> {
    let queues = all(async |limit, next: Option<String>| database.queues().list(limit, next.as_deref()).await).await?;
    answer(format, &queues, || {
        let rows = queues.iter().map(|queue| {
            [
                queue.name.clone(),
                queue.waiting.to_string(),
                queue.running.to_string(),
                queue.scheduled.to_string(),
                queue.parked.to_string(),
                queue.dead.to_string(),
                queue.workers.to_string(),
                format!("{:.1} s", queue.oldest_wait),
                queue.level.to_string(),
                or_dash(queue.paused_at.map(time)),
            ]
        });
        let head = [
            "QUEUE",
            "WAITING",
            "RUNNING",
            "SCHEDULED",
            "PARKED",
            "DEAD",
            "WORKERS",
            "OLDEST WAIT",
            "LEVEL",
            "PAUSED SINCE",
        ];
        table(head, rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn show(database: &Client, queue: &NamedQueue) -> anyhow::Result<()> {
    let name = &queue.name;
    let found = database.queues().get(name).await?.with_context(|| format!("there is no queue \"{name}\""))?;
    let room = if found.max_waiting.is_some() { database.queues().room(name).await? } else { None };
    answer(queue.format, &found, || text(&found, room))
}

fn text(queue: &QueueStatus, room: Option<QueueRoom>) -> String {
    let QueueStatus { scheduled, waiting, running, parked, dead, .. } = queue;
    let mut known = vec![
        ("queue", queue.name.clone()),
        ("jobs", format!("{waiting} waiting, {running} running, {scheduled} scheduled, {parked} parked, {dead} dead")),
        ("workers", queue.workers.to_string()),
        ("oldest", format!("{:.1} s", queue.oldest_wait)),
    ];
    if queue.stranded > 0 {
        let (jobs, kinds) = (queue.stranded, queue.stranded_kinds.join(", "));
        known.push(("stranded", format!("no living worker can take {jobs} waiting jobs (kinds: {kinds})")));
    }
    if let Some(since) = queue.paused_at {
        let said = [("by", &queue.paused_by), ("because", &queue.paused_reason)];
        let said = said.into_iter().filter_map(|(word, text)| Some(format!(", {word}: {}", text.as_ref()?)));
        known.push(("paused", format!("since {}{}", time(since), said.collect::<String>())));
    }
    known.extend(queue.max_waiting.map(|jobs| ("most", format!("{jobs} jobs may wait"))));
    known.extend(room.map(|room| ("level", level(room))));
    known.extend(queue.max_age.map(|seconds| ("expiry", format!("a job expires {seconds} s after it was due"))));
    known.extend(queue.retention.map(|seconds| ("kept", format!("ended jobs are kept for {seconds} s"))));
    facts(known)
}

/// What the API takes, as it counts itself: a level that a scheduler told says nothing of a queue
/// that is full.
fn level(room: QueueRoom) -> String {
    let level = room.level;
    match room.least_urgent() {
        None => format!("{level}, and full: the API refuses all jobs"),
        Some(9) => level.to_string(),
        Some(least) => format!("{level}: the API takes only jobs of priority 1 to {least}"),
    }
}

fn change(asked: &ChangeQueue) -> anyhow::Result<QueueChange> {
    let mut change = QueueChange::default();
    if asked.max_waiting.is_some() || asked.any_number {
        change = change.max_waiting(asked.max_waiting);
    }
    if asked.max_age.is_some() || asked.any_age {
        let age = asked.max_age.map(|seconds| duration("--max-age", seconds)).transpose()?;
        change = change.max_age(age);
    }
    if asked.retention.is_some() || asked.retention_as_set {
        let time = asked.retention.map(|seconds| duration("--retention", seconds)).transpose()?;
        change = change.retention(time);
    }
    Ok(change)
}
