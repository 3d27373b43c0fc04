//! `ordinaut job enqueue`.

use crate::args::{Enqueue, Format};
use crate::command::job;
use crate::command::pipeline::refuse_faulty;
use crate::output::{answer, refuse_masked, say};
use anyhow::{Context, bail};
use ordinaut_core::job::JobState;
use ordinaut_core::{Client, Enqueued, NewJob, Unique};
use serde_json::json;
use serde_json::value::RawValue;
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

/// Between two looks at a job whose end somebody waits for.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(crate) async fn run(database: &Client, enqueue: Enqueue) -> anyhow::Result<ExitCode> {
    let job = new_job(&enqueue)?;
    let enqueued = database.enqueue(&job).await?;
    let id = enqueued.id();
    if !enqueue.wait {
        let duplicate = matches!(enqueued, Enqueued::Duplicate(_));
        answer(enqueue.format, &json!({"id": id, "duplicate": duplicate}), || id.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    if !enqueue.format.json {
        say(id);
    }
    wait(database, id, enqueue.format).await
}

fn new_job(enqueue: &Enqueue) -> anyhow::Result<NewJob> {
    // As it was written: a value in between would round large numbers.
    let args: &RawValue = serde_json::from_str(&enqueue.args).context("--args is not JSON")?;
    refuse_faulty(&enqueue.kind, args.get())?;
    refuse_masked(serde_json::from_str(args.get()).ok().as_ref())?;
    let mut job =
        NewJob::new(&enqueue.kind, &args)?.queue(&enqueue.queue).priority(enqueue.priority).tags(&enqueue.tags);
    if let Some(seconds) = enqueue.delay {
        job = job.delay(duration("--delay", seconds)?);
    }
    if let Some(instant) = enqueue.run_at {
        job = job.run_at(instant);
    }
    if let Some(attempts) = enqueue.max_attempts {
        job = job.max_attempts(attempts);
    }
    if let Some(seconds) = enqueue.timeout {
        job = job.timeout(duration("--timeout", seconds)?);
    }
    if let Some(tenant) = &enqueue.tenant {
        job = job.tenant(tenant);
    }
    job = job.after(enqueue.after.iter().copied()).after_policy(enqueue.after_policy);
    job = job.placement(enqueue.fit.placement());
    if let Some(key) = &enqueue.unique_key {
        let after_end = duration("--unique-after-end", enqueue.unique_after_end)?;
        job = job.unique(Unique::by_kind().key(key).on_duplicate(enqueue.unique_mode).after_end(after_end));
    }
    Ok(job)
}

pub(super) fn duration(flag: &str, seconds: f64) -> anyhow::Result<Duration> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) => Ok(duration),
        Err(error) => bail!("{flag} is {seconds}, and must be a number of seconds: {error}"),
    }
}

/// Waits for the end of a job; code 0 only if it succeeded.
async fn wait(database: &Client, id: Uuid, format: Format) -> anyhow::Result<ExitCode> {
    let mut told = None;
    loop {
        let found = database.jobs().get(id).await?.with_context(|| format!("job {id} no longer exists"))?;
        if found.state.is_final() {
            job::print(database, &found, None, format).await?;
            return Ok(if found.state == JobState::Succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        if let Some(wait) = found.waits.filter(|wait| !format.json && told.as_ref() != Some(wait)) {
            say(&wait);
            told = Some(wait);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
