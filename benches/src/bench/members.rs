//! members: what it costs a job to be one of a batch, beside a job that is of none.

use crate::crew::Crew;
use crate::job;
use crate::lab::{Lab, leave, say};
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use anyhow::{Context, ensure};
use ordinaut_core::{Client, Scheduler};
use std::time::{Duration, Instant};

const JOBS: u64 = 100_000;

/// Members that are added at once.
const AT_ONCE: u64 = 20_000;

/// The two take turns: a machine's speed changes with the minutes.
const ROUNDS: u32 = 2;

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &[]).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    let (mut plain, mut members) = (0.0, 0.0);
    for round in 0..ROUNDS {
        plain += of_none(&mut lab, &format!("plain_{round}"), jobs, options).await?;
        members += of_a_batch(&mut lab, &format!("members_{round}"), jobs, options).await?;
    }
    let (plain, members) = (plain / f64::from(ROUNDS), members / f64::from(ROUNDS));
    let figure = |what: &str, value| Figure::new("members", what, value, "/s").jobs(jobs);
    Ok(vec![figure("jobs of no batch", plain), figure("jobs of one batch", members).against(plain).ratio_at_least(0.8)])
}

async fn of_none(lab: &mut Lab, name: &str, jobs: u64, options: &Options) -> anyhow::Result<f64> {
    let database = lab.database(name).await?;
    job::preload(&database, jobs).await?;
    leave(database).await;
    drain(lab, name, jobs, options).await
}

async fn of_a_batch(lab: &mut Lab, name: &str, jobs: u64, options: &Options) -> anyhow::Result<f64> {
    let database = lab.database(name).await?;
    say(&format!("a batch of {jobs} jobs"));
    let mut batch = database.batch("bench").on_complete(job::many(1).remove(0).queue("callbacks"));
    let mut left = jobs.saturating_sub(AT_ONCE);
    for member in job::many(jobs - left) {
        batch = batch.add(member);
    }
    let id = batch.commit().await?;
    while left > 0 {
        let some = left.min(AT_ONCE);
        database.batches().add(id, job::many(some)).await?;
        left -= some;
    }
    sqlx::query("analyze ordinaut.job, ordinaut.due_work").execute(database.pool()).await?;
    // Members that came are counted before the measurement, as in a process that runs for long.
    Scheduler::new(database.clone()).run(counted(database.clone())).await;
    let rate = drain(lab, name, jobs, options).await?;
    Scheduler::new(database.clone()).run(counted(database.clone())).await;
    let batch = database.batches().get(id).await?.context("the batch is gone")?;
    ensure!(batch.ended_at.is_some() && batch.succeeded == i64::try_from(jobs)?, "the batch was counted as {batch:?}");
    leave(database).await;
    Ok(rate)
}

/// Ends when everything that was to be folded is.
async fn counted(database: Client) {
    let open = "select exists (select from ordinaut.followed_end)";
    while sqlx::query_scalar::<_, bool>(open).fetch_one(database.pool()).await.unwrap_or(false) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Jobs a second of one worker.
async fn drain(lab: &mut Lab, name: &str, jobs: u64, options: &Options) -> anyhow::Result<f64> {
    say(&format!("{name}: {jobs} jobs"));
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    let mut crew = Crew::muster(lab, name, 1, &tuned).await?;
    let began = Instant::now();
    crew.go()?;
    crew.handled(jobs).await?;
    let rate = jobs as f64 / began.elapsed().as_secs_f64();
    crew.dismiss().await?;
    Ok(rate)
}
