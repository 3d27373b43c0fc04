//! `ordinaut queues` and `ordinaut workers`.

use crate::args::Format;
use crate::output::{answer, table, time};
use ordinaut_core::Database;
use std::process::ExitCode;

pub(crate) async fn queues(database: &Database, format: Format) -> anyhow::Result<ExitCode> {
    let queues = database.queues().await?;
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
            ]
        });
        table(["QUEUE", "WAITING", "RUNNING", "SCHEDULED", "PARKED", "DEAD", "WORKERS", "OLDEST WAIT"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn workers(database: &Database, format: Format) -> anyhow::Result<ExitCode> {
    let workers = database.workers().await?;
    answer(format, &workers, || {
        let rows = workers.iter().map(|worker| {
            let state = match (worker.ended_at, worker.alive) {
                (Some(_), _) => "ended",
                (None, true) => "alive",
                (None, false) => "late",
            };
            [
                worker.session.to_string(),
                worker.name.clone(),
                state.to_owned(),
                format!("{} of {}", worker.running, worker.concurrency),
                worker.queues.join(", "),
                worker.kinds.join(", "),
                time(worker.renewed_at),
            ]
        });
        table(["SESSION", "NAME", "STATE", "RUNNING", "QUEUES", "KINDS", "RENEWED"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}
