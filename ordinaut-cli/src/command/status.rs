//! `ordinaut workers`, and `ordinaut worker drain|undrain`.

use crate::args::Format;
use crate::args::OneWorker;
use crate::command::pages::all;
use crate::output::{answer, say, table, time};
use anyhow::bail;
use ordinaut_core::Database;
use std::process::ExitCode;

pub(crate) async fn workers(database: &Database, format: Format) -> anyhow::Result<ExitCode> {
    let workers = all(async |limit, next| database.workers(limit, next).await).await?;
    answer(format, &workers, || {
        let rows = workers.iter().map(|worker| {
            let state = match (worker.ended_at, worker.alive, worker.drained) {
                (Some(_), _, _) => "ended",
                // What it runs ends before it is.
                (None, true, true) if worker.running > 0 => "drains",
                (None, true, true) => "drained",
                (None, true, false) => "alive",
                (None, false, _) => "late",
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

pub(crate) async fn worker(database: &Database, verb: OneWorker) -> anyhow::Result<ExitCode> {
    match verb {
        OneWorker::Drain { worker } => match database.drain_worker(&worker).await? {
            Some(name) => {
                say(format_args!("{name} leases nothing more, and what it runs ends: `ordinaut workers` tells when"))
            }
            None => bail!("no worker named {worker:?}, or with that session, lives"),
        },
        OneWorker::Undrain { worker } => match database.undrain_worker(&worker).await? {
            Some(name) => say(format_args!("{name} leases again")),
            None => bail!("no worker named {worker:?}, or with that session, is drained"),
        },
    }
    Ok(ExitCode::SUCCESS)
}
