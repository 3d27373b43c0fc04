//! `ordinaut jobs`, `job`, `cancel`, `run-now`.

use crate::args::{Format, Jobs, OneJob};
use crate::output::{answer, args, facts, or_dash, say, table, time};
use anyhow::bail;
use ordinaut_core::{Cancelled, Database, JobDetails, JobFilter, RunNow, RunRecord};
use serde::Serialize;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn list(database: &Database, jobs: Jobs) -> anyhow::Result<ExitCode> {
    let filter = JobFilter { before: jobs.before, state: jobs.state, kind: jobs.kind, queue: jobs.queue };
    let found = database.jobs(&filter, jobs.limit).await?;
    answer(jobs.format, &found, || {
        let rows = found.iter().map(|job| {
            [
                job.id.to_string(),
                job.kind.clone(),
                job.queue.clone(),
                job.priority.to_string(),
                job.state.to_string(),
                job.attempt.to_string(),
                time(job.created_at),
            ]
        });
        table(["ID", "KIND", "QUEUE", "PRIORITY", "STATE", "ATTEMPT", "CREATED"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn show(database: &Database, job: OneJob) -> anyhow::Result<ExitCode> {
    let Some(found) = database.job(job.id).await? else { bail!("there is no job {}", job.id) };
    print(database, &found, job.format).await?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    job: &'a JobDetails,
    note: Option<&'a str>,
    runs: Vec<RunRecord>,
}

/// A job with its attempts.
pub(crate) async fn print(database: &Database, job: &JobDetails, format: Format) -> anyhow::Result<()> {
    let shown = Shown { job, note: job.why_it_waits(), runs: database.runs(job.id).await? };
    if format.json {
        return answer(format, &shown, String::new);
    }
    let mut known = vec![
        ("id", job.id.to_string()),
        ("kind", job.kind.clone()),
        ("args", args(&job.args)),
        ("queue", format!("{}, priority {}", job.queue, job.priority)),
        ("state", job.state.to_string()),
        ("created", time(job.created_at)),
    ];
    known.extend(job.run_at.map(|run_at| ("due", time(run_at))));
    known.extend(shown.note.map(|note| ("note", note.to_owned())));
    say(facts(known));
    if !shown.runs.is_empty() {
        let rows = shown.runs.iter().map(|run| {
            [
                run.attempt.to_string(),
                run.outcome.to_string(),
                or_dash(run.started_at.map(time)),
                time(run.finished_at),
                or_dash(run.error.as_deref()),
                or_dash(run.output.as_ref()),
            ]
        });
        say(table(["ATTEMPT", "OUTCOME", "STARTED", "FINISHED", "ERROR", "OUTPUT"], rows));
    }
    Ok(())
}

pub(crate) async fn cancel(database: &Database, job: OneJob) -> anyhow::Result<ExitCode> {
    let id = job.id;
    let (word, text) = match database.cancel(id).await? {
        Cancelled::Now => ("now", format!("job {id} is cancelled")),
        Cancelled::Asked => ("asked", format!("job {id} is running, and was asked to stop")),
        Cancelled::TooLate => bail!("job {id} had ended"),
        _ => bail!("there is no job {id}"),
    };
    answer(job.format, &json!({"id": id, "cancelled": word}), || text)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn run_now(database: &Database, job: OneJob) -> anyhow::Result<ExitCode> {
    let id = job.id;
    let (word, text) = match database.run_now(id).await? {
        RunNow::Now => ("now", format!("job {id} is due")),
        RunNow::AlreadyDue => ("already_due", format!("job {id} was due already")),
        RunNow::Parked => bail!("job {id} is parked until its task goes on, or its key is free"),
        RunNow::TooLate => bail!("job {id} had ended"),
        _ => bail!("there is no job {id}"),
    };
    answer(job.format, &json!({"id": id, "run_now": word}), || text)?;
    Ok(ExitCode::SUCCESS)
}
