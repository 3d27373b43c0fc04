//! `ordinaut workers`.

use crate::args::Format;
use crate::output::{answer, table, time};
use ordinaut_core::Database;
use std::process::ExitCode;

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
