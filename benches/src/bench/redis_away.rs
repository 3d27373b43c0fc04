//! `redis_away`: one worker process beside a scheduler that relays events, while Redis answers, and
//! while it is gone.

use super::window;
use crate::crew::Crew;
use crate::job;
use crate::lab::{BENCH, Lab, leave, say};
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use anyhow::Context;
use ordinaut_core::{Client, Scheduler};
use ordinaut_embedded::Redis;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const JOBS: u64 = 100_000;

/// By turns, so that a change of the machine's mood meets both.
const IS_AWAY: [bool; 4] = [false, true, true, false];

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
    for (turn, is_away) in IS_AWAY.into_iter().enumerate() {
        let took = drained(&mut lab, &format!("turn_{turn}"), is_away, jobs, options.concurrency).await?;
        *if is_away { &mut without } else { &mut with } += took;
    }
    let rate = |took: Duration| 2.0 * jobs as f64 / took.as_secs_f64();
    let figure = |name: &str, took| Figure::new("redis_away", name, rate(took), "/s").jobs(2 * jobs);
    Ok(vec![
        figure("while Redis answers", with),
        figure("while Redis is gone", without).against(rate(with)).ratio_at_least(0.9),
    ])
}

/// The time that jobs take which wait.
async fn drained(lab: &mut Lab, name: &str, is_away: bool, jobs: u64, concurrency: usize) -> anyhow::Result<Duration> {
    let database = lab.database(name).await?;
    job::preload(&database, jobs).await?;
    leave(database).await;

    say(&format!("redis_away: {jobs} jobs, {}", if is_away { "without Redis" } else { "with Redis" }));
    let redis = Redis::temporary()?;
    let relaying = Client::builder(lab.connect_options(name, "ordinaut-scheduler")?).redis(redis.url());
    let relaying = relaying.max_connections(8).connect().await?;
    // Dropping it stops the server.
    let redis = if is_away { None } else { Some(redis) };
    let stop = CancellationToken::new();
    let (scheduler, stopped) = (Scheduler::new(relaying.clone()), stop.clone());
    let scheduler = tokio::spawn(async move { scheduler.run(stopped.cancelled()).await });
    let tuned = WorkerOptions { concurrency: Some(concurrency), ..WorkerOptions::default() };
    let mut crew = Crew::muster(lab, name, 1, &tuned).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    let started = Instant::now();
    crew.go()?;
    window::all_ended(&mut looker, &mut crew, jobs).await?;
    let took = started.elapsed();
    crew.dismiss().await?;
    stop.cancel();
    scheduler.await.context("the scheduler panicked")?;
    leave(relaying).await;
    drop(redis);
    Ok(took)
}
