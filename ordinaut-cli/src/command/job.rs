//! `ordinaut jobs`, `job`, `job wait`, `job cancel`, `cancel`, `run-now`.

use crate::args::{CancelJobs, Format, Job, JobWhat, Jobs, OneJob};
use crate::command::enqueue::duration;
use crate::output::{answer, args, facts, or_dash, say, table, time};
use anyhow::{Context, bail};
use ordinaut_core::{Awaited, CancelFilter, Cancelled, Database, JobDetails, JobFilter, Outcome, RunNow, RunRecord};
use serde::Serialize;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

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

pub(crate) async fn run(database: &Database, job: Job) -> anyhow::Result<ExitCode> {
    match job.what {
        None => show(database, job.id.context("the job's id is missing")?, job.format).await,
        Some(JobWhat::Wait { job, timeout }) => wait(database, &job, timeout).await,
        Some(JobWhat::Cancel(asked)) => cancel_many(database, asked).await,
    }
}

async fn show(database: &Database, id: Uuid, format: Format) -> anyhow::Result<ExitCode> {
    let Some(found) = database.job(id).await? else { bail!("there is no job {id}") };
    print(database, &found, format).await?;
    Ok(ExitCode::SUCCESS)
}

/// Code 0 only if it succeeded.
async fn wait(database: &Database, job: &OneJob, timeout: Option<f64>) -> anyhow::Result<ExitCode> {
    let (id, timeout) = (job.id, timeout.map(|seconds| duration("--timeout", seconds)).transpose()?);
    match database.result(id, timeout.unwrap_or(Duration::MAX)).await? {
        Awaited::Ended(result) => {
            answer(job.format, &result, || {
                let known = [
                    ("outcome", result.outcome.to_string()),
                    ("attempt", result.attempt.to_string()),
                    ("error", or_dash(result.error.as_deref())),
                    ("output", or_dash(result.output.as_ref())),
                ];
                facts(known)
            })?;
            Ok(if result.outcome == Outcome::Succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Awaited::NotEnded(state) => bail!("job {id} has not ended: it is {state}"),
        _ => bail!("there is no job {id}"),
    }
}

async fn cancel_many(database: &Database, asked: CancelJobs) -> anyhow::Result<ExitCode> {
    let CancelJobs { queue, kind, tag, task, tenant, created_before, format } = asked;
    let filter = CancelFilter { queue, kind, tag, task_id: task, tenant, created_before };
    let cancelled = database.cancel_where(&filter).await?;
    answer(format, &cancelled, || {
        format!("{} jobs are cancelled, and {} that run were asked to stop", cancelled.removed, cancelled.asked)
    })?;
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
