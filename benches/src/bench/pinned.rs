//! pinned: jobs go through while a transaction holds an old snapshot, so that no dead row can be
//! removed.

use super::window;
use crate::crew::Crew;
use crate::job;
use crate::lab::{BENCH, Lab, leave, say};
use crate::statements::Statements;
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use sqlx::{Connection, Executor};
use std::time::{Duration, Instant};

const JOBS: u64 = 500_000;

/// Long enough for an engine that slows down to show it, short enough to be waited for.
const END_TIMEOUT: Duration = Duration::from_secs(600);

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &[]).await?;
    let (name, jobs) = ("pinned", options.jobs.unwrap_or(JOBS));
    let database = lab.database(name).await?;
    job::preload(&database, jobs).await?;
    leave(database).await;

    let mut old = lab.connect(name, BENCH).await?;
    old.execute("begin isolation level repeatable read").await?;
    old.execute("select 1 from ordinaut.queue").await?;

    say(&format!("pinned: {jobs} jobs"));
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    let mut crew = Crew::muster(&lab, name, 1, &tuned).await?;
    let mut at_tenths = vec![Statements::of(&mut lab, name).await?];
    crew.go()?;
    let end = Some(Instant::now() + END_TIMEOUT);
    let mut done = 0;
    for tenth in 1..=10 {
        done = crew.handled_before((jobs * tenth).div_ceil(10), end).await?;
        at_tenths.push(Statements::of(&mut lab, name).await?);
        if done < (jobs * tenth).div_ceil(10) {
            break;
        }
    }
    let mut looker = lab.connect(name, BENCH).await?;
    let ended = done.min(jobs);
    window::all_ended(&mut looker, &mut crew, ended).await?;
    crew.dismiss().await?;
    old.execute("rollback").await?;
    old.close().await?;

    let figure = |label: &str, value, unit| Figure::new("pinned", label, value, unit).jobs(ended);
    let first = window::rate(&mut looker, 0.0, 0, ended.div_ceil(10)).await?;
    let last = window::rate(&mut looker, 0.0, ended - ended.div_ceil(10), ended).await?;
    let buffers = |tenth: usize| {
        let claim = (&at_tenths[tenth] - &at_tenths[tenth - 1]).of_purpose("claim");
        (claim.buffers / claim.calls.max(1.0), claim.buffers / claim.rows.max(1.0))
    };
    let ((first_claim, first_job), (last_claim, last_job)) = (buffers(1), buffers(at_tenths.len() - 1));
    // The floor of the last tenth is the first. Batches may differ in size, so buffers are judged
    // by the job.
    Ok(vec![
        figure("all", window::rate(&mut looker, 0.0, 0, ended).await?, "/s"),
        figure("jobs that went through", ended as f64, "jobs").at_least(jobs as f64),
        figure("first tenth", first, "/s"),
        figure("last tenth, against the first", last, "/s").against(first).ratio_at_least(0.9),
        figure("buffers of a claim, last tenth, against the first", last_claim, "/claim").against(first_claim),
        figure("buffers of claims, last tenth, against the first", last_job, "/job")
            .against(first_job)
            .ratio_at_most(1.1),
    ])
}
