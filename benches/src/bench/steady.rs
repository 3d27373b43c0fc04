//! steady: jobs come at a steady rate, on a schema that was vacuumed while it was empty: plans that
//! are made then must be as good when the tables have filled. Then again while a transaction holds
//! an old snapshot.

use super::window;
use crate::crew::Crew;
use crate::job;
use crate::lab::{BENCH, Lab, leave, say};
use crate::statements::Statements;
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use sqlx::{Connection, Executor, PgConnection};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

const JOBS_A_SECOND: u64 = 2000;

/// Jobs of one commit.
const BATCH: u64 = 20;

const SECONDS: u64 = 60;

/// Autovacuum would analyse the tables within a minute, and hide what is measured.
const SETTINGS: [(&str, &str); 1] = [("autovacuum_naptime", "1h")];

/// For what is left when all jobs have been enqueued.
const END_TIMEOUT: Duration = Duration::from_secs(30);

struct Steady {
    jobs: u64,
    started: u64,
    /// In each second of the producer's, in their order.
    starts: Vec<i64>,
    p50: f64,
    p99: f64,
    buffers: f64,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &SETTINGS).await?;
    let jobs = options.jobs.unwrap_or(JOBS_A_SECOND * SECONDS).div_ceil(BATCH) * BATCH;
    let drain = drained(&mut lab, jobs.div_ceil(2), options).await?;
    let mut figures = Vec::new();
    for (name, label, pinned) in [("steady", "", false), ("steady_pinned", "old snapshot: ", true)] {
        let steady = steady(&mut lab, name, jobs, pinned, options).await?;
        figures.extend(of(&steady, label, drain));
    }
    Ok(figures)
}

fn of(steady: &Steady, label: &str, drain: f64) -> Vec<Figure> {
    let figure =
        |name: &str, value, unit| Figure::new("steady", format!("{label}{name}"), value, unit).jobs(steady.jobs);
    // The first and the last second are not whole.
    let whole = steady.starts.get(1..steady.starts.len().saturating_sub(2)).unwrap_or_default();
    let least = whole.iter().min().copied().unwrap_or_default();
    let by_second: Vec<_> = steady.starts.iter().map(i64::to_string).collect();
    say(&format!("steady, {label}starts in each second: {}", by_second.join(" ")));
    vec![
        figure("jobs that started", steady.started as f64, "jobs").at_least(steady.jobs as f64),
        figure("starts in the slowest second", least as f64, "/s").at_least(0.8 * JOBS_A_SECOND as f64),
        figure("from insert to handler: p50", steady.p50, "ms").at_most(5.0),
        figure("from insert to handler: p99", steady.p99, "ms").at_most(100.0),
        // The floor is the drain's.
        figure("buffers of claims, against a drain", steady.buffers, "/job").against(drain).ratio_at_most(3.0),
    ]
}

async fn steady(lab: &mut Lab, name: &str, jobs: u64, pinned: bool, options: &Options) -> anyhow::Result<Steady> {
    let database = lab.database(name).await?;
    sqlx::query("vacuum analyze").execute(database.pool()).await?;
    let mut old = lab.connect(name, BENCH).await?;
    if pinned {
        old.execute("begin isolation level repeatable read").await?;
        old.execute("select 1 from ordinaut.queue").await?;
    }
    say(&format!("{name}: {jobs} jobs, {JOBS_A_SECOND} a second"));
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    let mut crew = Crew::muster(lab, name, 1, &tuned).await?;
    let before = Statements::of(lab, name).await?;
    crew.go()?;
    let mut clock = tokio::time::interval(Duration::from_secs_f64(BATCH as f64 / JOBS_A_SECOND as f64));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..jobs / BATCH {
        clock.tick().await;
        database.enqueue_many(&job::many(BATCH)).await?;
    }
    let started = crew.handled_before(jobs, Some(Instant::now() + END_TIMEOUT)).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    window::all_ended(&mut looker, &mut crew, started).await?;
    let claim = (&Statements::of(lab, name).await? - &before).of_purpose("claim");
    crew.dismiss().await?;
    old.close().await?;
    let (p50, p99) = waits(&mut looker).await?;
    let starts = starts(&mut looker).await?;
    looker.close().await?;
    leave(database).await;
    Ok(Steady { jobs, started, starts, p50, p99, buffers: claim.buffers / claim.rows.max(1.0) })
}

/// The buffers that claims of a drain need for each job.
async fn drained(lab: &mut Lab, jobs: u64, options: &Options) -> anyhow::Result<f64> {
    let name = "steady_drain";
    let database = lab.database(name).await?;
    job::preload(&database, jobs).await?;
    leave(database).await;
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    let mut crew = Crew::muster(lab, name, 1, &tuned).await?;
    let before = Statements::of(lab, name).await?;
    crew.go()?;
    let mut looker = lab.connect(name, BENCH).await?;
    window::all_ended(&mut looker, &mut crew, jobs).await?;
    let claim = (&Statements::of(lab, name).await? - &before).of_purpose("claim");
    crew.dismiss().await?;
    looker.close().await?;
    Ok(claim.buffers / claim.rows.max(1.0))
}

/// Milliseconds from the insert of a job, a commit earlier than it can be claimed, to its handler:
/// the median, and what 99 of 100 do not exceed.
async fn waits(db: &mut PgConnection) -> sqlx::Result<(f64, f64)> {
    let query =
        "select percentile_cont(0.5) within group (order by wait), percentile_cont(0.99) within group (order by wait)
                 from (select 1000 * extract(epoch from run.started_at - job.created_at)::float8 as wait
                       from ordinaut.run join ordinaut.job on job.id = run.job_id) waits";
    sqlx::query_as(query).fetch_one(db).await
}

/// Number of handlers that started in each second.
async fn starts(db: &mut PgConnection) -> sqlx::Result<Vec<i64>> {
    let query = "with started as (
                     select date_trunc('second', started_at) as second, count(*) as jobs from ordinaut.run group by 1
                 )
                 select coalesce(jobs, 0)
                 from (select generate_series(min(second), max(second), '1 s') as second from started) span
                 left join started using (second)
                 order by second";
    sqlx::query_scalar(query).fetch_all(db).await
}
