//! `ordinaut worker list|show|drain|undrain`.

use crate::args::{Format, OneWorker, Worker};
use crate::command::pages::all;
use crate::output::{answer, facts, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::fleet::WorkerStatus;
use ordinaut_core::job::{JobFilter, JobState, JobSummary};
use serde::Serialize;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, verb: Worker) -> anyhow::Result<ExitCode> {
    match verb {
        Worker::List(format) => list(database, format).await,
        Worker::Show(one) => show(database, one).await,
        Worker::Drain(one) => drain(database, one).await,
        Worker::Undrain(one) => undrain(database, one).await,
    }
}

async fn list(database: &Client, format: Format) -> anyhow::Result<ExitCode> {
    let workers = all(async |limit, next| database.workers().list(limit, next).await).await?;
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

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    worker: WorkerStatus,
    /// What it runs.
    jobs: Vec<JobSummary>,
}

async fn show(database: &Client, OneWorker { worker, format }: OneWorker) -> anyhow::Result<ExitCode> {
    let Some(worker) = database.workers().get(&worker).await? else {
        bail!("no worker has the name or session {worker:?}")
    };
    let filter = JobFilter::default().state(JobState::Running).worker(worker.session.to_string());
    let jobs = database.jobs().list(&filter, 500).await?.items;
    let shown = Shown { worker, jobs };
    answer(format, &shown, || {
        let worker = &shown.worker;
        let known = facts([
            ("session", worker.session.to_string()),
            ("name", worker.name.clone()),
            ("version", worker.version.clone()),
            ("queues", worker.queues.join(", ")),
            ("kinds", worker.kinds.join(", ")),
            ("labels", worker.labels.join(", ")),
            ("running", format!("{} of {}", worker.running, worker.concurrency)),
            ("renewed", time(worker.renewed_at)),
        ]);
        let rows = shown.jobs.iter().map(|job| [job.id.to_string(), job.kind.clone(), job.queue.clone()]);
        format!("{known}\n{}", table(["JOB", "KIND", "QUEUE"], rows))
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn drain(database: &Client, OneWorker { worker, format }: OneWorker) -> anyhow::Result<ExitCode> {
    let Some(name) = database.workers().drain(&worker).await? else {
        bail!("no living worker has the name or session {worker:?}")
    };
    answer(format, &json!({"worker": name, "drained": true}), || {
        format!("{name} leases no more jobs; `ordinaut worker list` shows when its running jobs have ended")
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn undrain(database: &Client, OneWorker { worker, format }: OneWorker) -> anyhow::Result<ExitCode> {
    let Some(name) = database.workers().undrain(&worker).await? else {
        bail!("no drained worker has the name or session {worker:?}")
    };
    answer(format, &json!({"worker": name, "drained": false}), || format!("{name} leases jobs again"))?;
    Ok(ExitCode::SUCCESS)
}
