//! placed: jobs that ask something of their worker, and what those that nobody can run cost others.

use crate::crew::Crew;
use crate::job;
use crate::lab::{Lab, leave, say};
use crate::statements::Statements;
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use ordinaut_core::placement::Placement;
use std::time::Instant;

const JOBS: u64 = 50_000;

/// Jobs that nobody can run.
const STUCK: u64 = 100_000;

/// Jobs of one call.
const AT_ONCE: u64 = 10_000;

/// The three take turns: a machine's speed changes with the minutes.
const ROUNDS: u32 = 2;

/// What is enqueued before a measurement.
#[derive(Clone, Copy)]
enum Load {
    Alone,
    BesideStuck,
    Placed,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &[]).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    let mut sums = [(0.0, 0.0); 3];
    for round in 0..ROUNDS {
        for (sum, load) in sums.iter_mut().zip([Load::Alone, Load::BesideStuck, Load::Placed]) {
            let name = format!("placed_{}_{round}", load as u8);
            let (rate, buffers) = drain(&mut lab, &name, jobs, load, options).await?;
            *sum = (sum.0 + rate, sum.1 + buffers);
        }
    }
    let [alone, beside, placed] = sums.map(|(rate, buffers)| (rate / f64::from(ROUNDS), buffers / f64::from(ROUNDS)));
    let figure = |what: &str, value, unit| Figure::new("placed", what, value, unit).jobs(jobs);
    Ok(vec![
        figure("plain jobs", alone.0, "/s"),
        figure("plain jobs beside 100,000 that nobody can run", beside.0, "/s").against(alone.0).ratio_at_least(0.97),
        figure("buffers of a claim", alone.1, "/job"),
        figure("buffers of a claim beside them", beside.1, "/job").against(alone.1).ratio_at_most(1.03),
        figure("jobs that require what the worker has", placed.0, "/s").against(alone.0),
    ])
}

/// Jobs a second of one worker, and the buffers that its claims read for each.
async fn drain(lab: &mut Lab, name: &str, jobs: u64, load: Load, options: &Options) -> anyhow::Result<(f64, f64)> {
    let database = lab.database(name).await?;
    let placed = |number: u64, label: &str| {
        let placement = Placement::default().require([label]);
        job::many(number).into_iter().map(move |job| job.placement(placement.clone())).collect::<Vec<_>>()
    };
    if matches!(load, Load::BesideStuck) {
        say(&format!("placed: {STUCK} jobs that nobody can run"));
        for _ in 0..STUCK / AT_ONCE {
            database.enqueue_many(placed(AT_ONCE, "nowhere")).await?;
        }
    }
    if matches!(load, Load::Placed) {
        for _ in 0..jobs.div_ceil(AT_ONCE) {
            database.enqueue_many(placed(jobs.min(AT_ONCE), "!nowhere")).await?;
        }
        sqlx::query("analyze ordinaut.job, ordinaut.parked").execute(database.pool()).await?;
    } else {
        job::preload(&database, jobs).await?;
    }
    leave(database).await;
    say(&format!("{name}: {jobs} jobs"));
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    let mut crew = Crew::muster(lab, name, 1, &tuned).await?;
    let first = Statements::of(lab, name).await?;
    let began = Instant::now();
    crew.go()?;
    crew.handled(jobs).await?;
    let rate = jobs as f64 / began.elapsed().as_secs_f64();
    let claims = (&Statements::of(lab, name).await? - &first).of_purpose("claim");
    crew.dismiss().await?;
    Ok((rate, claims.buffers / claims.rows.max(1.0)))
}
