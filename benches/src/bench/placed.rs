//! placed: jobs that ask something of their worker, and what those that nobody can run cost others.

use crate::crew::Crew;
use crate::job;
use crate::lab::{Lab, leave, say};
use crate::statements::Statements;
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use chrono::{TimeDelta, Utc};
use ordinaut_core::placement::Placement;
use std::time::Instant;

const JOBS: u64 = 50_000;

/// Jobs that nobody can run, and as many that wait for tomorrow: with the former alone the table of
/// jobs would be larger, and each look-up in it a level deeper, which is not their doing.
const STUCK: u64 = 100_000;

/// Jobs of one call.
const AT_ONCE: u64 = 10_000;

/// The loads take turns: a machine's speed changes with the minutes.
const ROUNDS: u32 = 2;

/// What is enqueued before a measurement.
#[derive(Clone, Copy)]
enum Load {
    BesideScheduled,
    BesideStuck,
    Placed,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &[]).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    let mut sums = [(0.0, 0.0); 3];
    for round in 0..ROUNDS {
        for (sum, load) in sums.iter_mut().zip([Load::BesideScheduled, Load::BesideStuck, Load::Placed]) {
            let name = format!("placed_{}_{round}", load as u8);
            let (rate, buffers) = drain(&mut lab, &name, jobs, load, options).await?;
            *sum = (sum.0 + rate, sum.1 + buffers);
        }
    }
    let [scheduled, stuck, placed] =
        sums.map(|(rate, buffers)| (rate / f64::from(ROUNDS), buffers / f64::from(ROUNDS)));
    let figure = |what: &str, value, unit| Figure::new("placed", what, value, unit).jobs(jobs);
    Ok(vec![
        figure("plain jobs beside 100,000 for tomorrow", scheduled.0, "/s"),
        figure("plain jobs beside 100,000 that nobody can run", stuck.0, "/s")
            .against(scheduled.0)
            .ratio_at_least(0.97),
        figure("buffers of a claim beside those for tomorrow", scheduled.1, "/job"),
        figure("buffers of a claim beside those that nobody can run", stuck.1, "/job")
            .against(scheduled.1)
            .ratio_at_most(1.03),
        figure("jobs that require what the worker has", placed.0, "/s").against(scheduled.0),
    ])
}

/// Jobs a second of one worker, and the buffers that its claims read for each.
async fn drain(lab: &mut Lab, name: &str, jobs: u64, load: Load, options: &Options) -> anyhow::Result<(f64, f64)> {
    let database = lab.database(name).await?;
    let tomorrow = Utc::now() + TimeDelta::days(1);
    let placed = |number: u64, label: &str| {
        let placement = Placement::default().require([label]);
        job::many(number).into_iter().map(move |job| job.placement(placement.clone())).collect::<Vec<_>>()
    };
    match load {
        Load::BesideScheduled | Load::BesideStuck => {
            say(&format!("{name}: {STUCK} jobs that do not run"));
            for _ in 0..STUCK / AT_ONCE {
                let idle = match load {
                    Load::BesideScheduled => job::many(AT_ONCE).into_iter().map(|job| job.run_at(tomorrow)).collect(),
                    _ => placed(AT_ONCE, "nowhere"),
                };
                database.enqueue_many(&idle).await?;
            }
            job::preload(&database, jobs).await?;
        }
        Load::Placed => {
            let mut left = jobs;
            while left > 0 {
                database.enqueue_many(&placed(left.min(AT_ONCE), "!nowhere")).await?;
                left -= left.min(AT_ONCE);
            }
        }
    }
    // As autovacuum does within the minute: what was set apart has left rows behind in due_work.
    sqlx::query("vacuum (analyze) ordinaut.job, ordinaut.due_work, ordinaut.parked").execute(database.pool()).await?;
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
