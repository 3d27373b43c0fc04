//! `ordinaut job VERB`.

use crate::args::{CancelJobs, ChangeJob, Format, Job, JobVerb, Jobs, NamedJobs, OneJob, ShowJob};
use crate::command::approval;
use crate::command::enqueue::{self, duration};
use crate::command::pages::{all, collect};
use crate::command::pipeline::refuse_faulty;
use crate::command::said;
use crate::output::{answer, facts, or_dash, say, shown_error, shown_json, table, time};
use anyhow::{Context, bail};
use ordinaut_core::job::{
    Awaited, CancelFilter, Cancelled, Changed, JobChange, JobDetails, JobFilter, RunNow, RunRecord,
};
use ordinaut_core::report::Progress;
use ordinaut_core::step::{Decision, StepRecord, WaitRecord};
use ordinaut_core::{Client, Outcome};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

pub(crate) async fn run(database: &Client, job: Job) -> anyhow::Result<ExitCode> {
    verb(database, job.verb().context("give a verb, or the id of a job")?).await
}

pub(crate) async fn verb(database: &Client, verb: JobVerb) -> anyhow::Result<ExitCode> {
    match verb {
        JobVerb::Enqueue(job) => enqueue::run(database, *job).await,
        JobVerb::List(jobs) => list(database, jobs).await,
        JobVerb::Show(asked) => show(database, &asked).await,
        JobVerb::Wait { job, timeout } => wait(database, &job, timeout).await,
        JobVerb::Cancel(CancelJobs { id: Some(id), format, .. }) => cancel(database, OneJob { id, format }).await,
        JobVerb::Cancel(asked) => cancel_many(database, asked).await,
        JobVerb::Change(asked) => change(database, asked).await,
        JobVerb::RunNow(job) => run_now(database, job).await,
        JobVerb::Logs(asked) => said::logs(database, asked).await,
        JobVerb::Output(asked) => said::output(database, asked).await,
        JobVerb::Attach(asked) => said::attach(database, asked).await,
        JobVerb::Attachments(asked) => said::attachments(database, asked).await,
        JobVerb::Approve(asked) => approval::decide(database, asked, Decision::Approved).await,
        JobVerb::Reject(asked) => approval::decide(database, asked, Decision::Rejected).await,
    }
}

async fn list(database: &Client, jobs: Jobs) -> anyhow::Result<ExitCode> {
    let (limit, format) = (jobs.limit, jobs.format);
    let filter = filter(jobs)?;
    let found = collect(limit, async |limit, next: Option<Uuid>| {
        let mut page = filter.clone();
        match next {
            Some(next) if page.oldest_first => page.after = Some(next),
            Some(next) => page.before = Some(next),
            None => {}
        }
        database.jobs().list(&page, limit).await
    })
    .await?;
    answer(format, &found.items, || {
        if filter.with_args {
            let rows = found.iter().map(|job| {
                let args = shown_json(job.args.as_ref());
                [
                    job.id.to_string(),
                    job.kind.clone(),
                    job.queue.clone(),
                    job.state.to_string(),
                    time(job.created_at),
                    args,
                ]
            });
            return table(["ID", "KIND", "QUEUE", "STATE", "CREATED", "ARGS"], rows);
        }
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

fn filter(jobs: Jobs) -> anyhow::Result<JobFilter> {
    let mut filter = JobFilter::default();
    (filter.state, filter.kind, filter.queue) = (jobs.state, jobs.kind, jobs.queue);
    (filter.tag, filter.tenant, filter.task_id, filter.worker) = (jobs.tag, jobs.tenant, jobs.task, jobs.worker);
    (filter.created_after, filter.created_before) = (jobs.created_after, jobs.created_before);
    (filter.finished_after, filter.finished_before) = (jobs.finished_after, jobs.finished_before);
    (filter.error, filter.before, filter.batch) = (jobs.error, jobs.before, jobs.batch);
    (filter.oldest_first, filter.with_args) = (jobs.oldest_first, jobs.with_args);
    filter.args = args(&jobs.args)?;
    Ok(filter)
}

/// What `--arg` says about arguments.
fn args(args: &[String]) -> anyhow::Result<Option<Value>> {
    let mut filter = JobFilter::default();
    for arg in args {
        let (path, value) = arg.split_once('=').context("--arg must be PATH=VALUE, such as customer.id=7")?;
        filter = filter.arg(path, value)?;
    }
    Ok(filter.args)
}

/// The jobs that a verb reaches.
pub(super) fn named_jobs(named: NamedJobs) -> anyhow::Result<CancelFilter> {
    let NamedJobs { queue, kind, tag, task, tenant, created_after, created_before, args: paths } = named;
    let mut filter = CancelFilter::default();
    (filter.queue, filter.kind, filter.tag) = (queue, kind, tag);
    (filter.task_id, filter.tenant, filter.args) = (task, tenant, args(&paths)?);
    (filter.created_after, filter.created_before) = (created_after, created_before);
    Ok(filter)
}

async fn show(database: &Client, asked: &ShowJob) -> anyhow::Result<ExitCode> {
    let OneJob { id, format } = asked.job;
    let Some(found) = database.jobs().get(id).await? else { bail!("there is no job {id}") };
    print(database, &found, asked.before, format).await?;
    Ok(ExitCode::SUCCESS)
}

/// Code 0 only if it succeeded.
async fn wait(database: &Client, job: &OneJob, timeout: Option<f64>) -> anyhow::Result<ExitCode> {
    let (id, timeout) = (job.id, timeout.map(|seconds| duration("--timeout", seconds)).transpose()?);
    match database.jobs().wait_for_result::<Box<RawValue>>(id, timeout.unwrap_or(Duration::MAX)).await? {
        Awaited::Ended(result) => {
            answer(job.format, &result, || {
                let known = [
                    ("outcome", result.outcome.to_string()),
                    ("attempt", result.attempt.to_string()),
                    ("error", shown_error(result.error.as_deref())),
                    ("output", shown_json(result.output.as_ref())),
                ];
                facts(known)
            })?;
            Ok(if result.outcome == Outcome::Succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Awaited::NotEnded(state) => bail!("job {id} has not ended: it is {state}"),
        _ => bail!("there is no job {id}"),
    }
}

async fn cancel_many(database: &Client, asked: CancelJobs) -> anyhow::Result<ExitCode> {
    let CancelJobs { id: _, named, format } = asked;
    let filter = named_jobs(named)?;
    let cancelled = database.jobs().cancel_where(&filter).await?;
    answer(format, &cancelled, || {
        format!("{} jobs are cancelled, and {} running jobs were asked to stop", cancelled.removed, cancelled.asked)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn change(database: &Client, asked: ChangeJob) -> anyhow::Result<ExitCode> {
    let ChangeJob { job: OneJob { id, format }, queue, priority, run_at, args, tags, max_attempts } = asked;
    let mut change = JobChange::default();
    (change.queue, change.priority, change.run_at) = (queue, priority, run_at);
    (change.tags, change.max_attempts) = (tags, max_attempts.map(Some));
    let args: Option<Box<RawValue>> =
        args.map(|args| serde_json::from_str(&args)).transpose().context("--args must be JSON")?;
    if let (Some(args), Some(job)) = (&args, database.jobs().get(id).await?) {
        refuse_faulty(&job.kind, args.get())?;
    }
    change.args = args;
    match database.jobs().update(id, &change).await? {
        Changed::Now => {}
        Changed::Running => bail!("job {id} runs: nothing was changed"),
        Changed::TooLate => bail!("job {id} has ended already"),
        _ => bail!("there is no job {id}"),
    }
    let Some(found) = database.jobs().get(id).await? else { bail!("there is no job {id}") };
    print(database, &found, None, format).await?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    job: &'a JobDetails,
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    steps: Vec<StepRecord>,
    /// What it waits for.
    waiting_for: Vec<WaitRecord>,
    runs: Vec<RunRecord>,
    runs_next: Option<i32>,
}

/// Maximum number of attempts that are shown at once.
const RUNS: i64 = 100;

/// A job with its attempts: the last ones, or those before one of them.
pub(crate) async fn print(
    database: &Client,
    job: &JobDetails,
    before: Option<i32>,
    format: Format,
) -> anyhow::Result<()> {
    let runs = database.jobs().runs_before(job.id, RUNS, before).await?;
    let note = job.why_it_waits().map(ToString::to_string);
    let jobs = database.jobs();
    let steps = async |limit, after: Option<String>| jobs.steps_after(job.id, limit, after.as_deref()).await;
    let (steps, waiting_for) = (all(steps).await?, jobs.waits(job.id).await?);
    let progress = jobs.progress(job.id).await?;
    let shown = Shown { job, note, progress, steps, waiting_for, runs: runs.items, runs_next: runs.next };
    if format.json {
        return answer(format, &shown, String::new);
    }
    let mut known = vec![
        ("id", job.id.to_string()),
        ("kind", job.kind.clone()),
        ("args", shown_json(Some(&job.args))),
        ("queue", format!("{}, priority {}", job.queue, job.priority)),
        ("state", job.state.to_string()),
        ("created", time(job.created_at)),
    ];
    known.extend(job.run_at.map(|run_at| ("due", time(run_at))));
    known.extend(shown.note.map(|note| ("note", note)));
    known.extend(shown.progress.as_ref().map(|progress| ("progress", said::of(progress))));
    known.extend(shown.waiting_for.iter().map(|wait| ("waits", wait.to_string())));
    known.extend(job.unreadable.iter().map(|field| ("not shown", field.clone())));
    say(facts(known));
    if !shown.steps.is_empty() {
        let rows = shown.steps.iter().map(|step| {
            [
                step.name.clone(),
                step.kind.to_string(),
                step.attempt.to_string(),
                time(step.began_at),
                time(step.ended_at),
                shown_json(Some(&step.result)),
            ]
        });
        say(table(["STEP", "KIND", "ATTEMPT", "BEGAN", "ENDED", "RESULT"], rows));
    }
    if !shown.runs.is_empty() {
        let rows = shown.runs.iter().map(|run| {
            [
                run.attempt.to_string(),
                run.outcome.to_string(),
                or_dash(run.started_at.map(time)),
                time(run.finished_at),
                shown_error(run.error.as_deref()),
                shown_json(run.output.as_ref()),
            ]
        });
        say(table(["ATTEMPT", "OUTCOME", "STARTED", "FINISHED", "ERROR", "OUTPUT"], rows));
    }
    if let Some(first) = shown.runs_next {
        say(format_args!("earlier attempts: ordinaut job show {} --before {first}", job.id));
    }
    Ok(())
}

pub(crate) async fn cancel(database: &Client, job: OneJob) -> anyhow::Result<ExitCode> {
    let id = job.id;
    let (word, text) = match database.jobs().cancel(id).await? {
        Cancelled::Now => ("now", format!("job {id} is cancelled")),
        Cancelled::Asked => ("asked", format!("job {id} is running, and was asked to stop")),
        Cancelled::TooLate => bail!("job {id} has ended already"),
        _ => bail!("there is no job {id}"),
    };
    answer(job.format, &json!({"id": id, "cancelled": word}), || text)?;
    Ok(ExitCode::SUCCESS)
}

async fn run_now(database: &Client, job: OneJob) -> anyhow::Result<ExitCode> {
    let id = job.id;
    let (word, text) = match database.jobs().run_now(id).await? {
        RunNow::Now => ("now", format!("job {id} is due")),
        RunNow::AlreadyDue => ("already_due", format!("job {id} was due already")),
        RunNow::Parked => match database.jobs().get(id).await?.and_then(|job| job.waits) {
            Some(wait) => bail!("job {id} is parked: {wait}"),
            None => bail!("job {id} was parked a moment ago: try again"),
        },
        RunNow::TooLate => bail!("job {id} has ended already"),
        _ => bail!("there is no job {id}"),
    };
    answer(job.format, &json!({"id": id, "run_now": word}), || text)?;
    Ok(ExitCode::SUCCESS)
}
