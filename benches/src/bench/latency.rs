//! latency: from the moment a commit returned to the first line of the handler, on a worker that
//! has nothing to do.

use crate::lab::{BENCH, Lab, leave, say};
use crate::{Figure, Options};
use anyhow::Context as _;
use ordinaut_core::{Client, Context, Job, JobError, Worker};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const JOBS: u64 = 1000;

const EVERY: Duration = Duration::from_millis(20);

/// Time for the worker to find out that it is idle, and to begin to wait for hints.
const SETTLE_DOWN: Duration = Duration::from_secs(3);

/// For one job; far longer than any poll interval.
const END_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
struct Ping {
    number: u64,
}

impl Job for Ping {
    const KIND: &'static str = "ping";
}

/// The sender takes the number of a job and the moment at which its handler started. Producer and
/// worker share a process, and so a monotonic clock, but neither a pool nor anything else.
async fn ping(job: Ping, ctx: Context<UnboundedSender<(u64, Instant)>>) -> Result<(), JobError> {
    let now = Instant::now();
    // The bench may be over.
    ctx.state.send((job.number, now)).ok();
    Ok(())
}

#[derive(Clone, Copy)]
enum Producer {
    /// `Client::enqueue`: the library commits.
    Library,
    /// `Job::enqueue` in a transaction that the caller commits.
    Caller,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    let mut figures = Vec::new();
    for (name, producer, what) in
        [("library", Producer::Library, "the library commits"), ("caller", Producer::Caller, "the caller commits")]
    {
        say(&format!("latency, {what}: {jobs} jobs"));
        let database = lab.database(name).await?;
        let mut waits = waits(&lab, name, &database, producer, jobs).await?;
        leave(database).await;
        waits.sort_by(f64::total_cmp);
        let percentile = |share: f64| waits[((waits.len() as f64 * share) as usize).min(waits.len() - 1)];
        let figure =
            |label: &str, share| Figure::new("latency", format!("{what}: {label}"), percentile(share), "ms").jobs(jobs);
        figures.push(figure("p50", 0.5).at_most(0.5));
        figures.push(figure("p99", 0.99).at_most(3.0));
        figures.push(figure("longest", 1.0));
    }
    Ok(figures)
}

/// Milliseconds of each job.
async fn waits(lab: &Lab, name: &str, database: &Client, producer: Producer, jobs: u64) -> anyhow::Result<Vec<f64>> {
    let (sender, mut starts) = mpsc::unbounded_channel();
    let own = Client::builder(lab.connect_options(name, BENCH)?).max_connections(5).connect().await?;
    let shutdown = CancellationToken::new();
    // Ends the worker also when this returns early.
    let _end = shutdown.clone().drop_guard();
    let stop = shutdown.clone();
    let worker = tokio::spawn(async move { Worker::new(own, sender).handle(ping).run(stop.cancelled()).await });
    tokio::time::sleep(SETTLE_DOWN).await;

    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut committed = Vec::new();
    for number in 0..jobs {
        clock.tick().await;
        committed.push(enqueue(database, producer, Ping { number }).await?);
    }
    let mut waits = Vec::new();
    for _ in 0..jobs {
        let (number, started) = start(&mut starts).await?;
        let committed = committed.get(usize::try_from(number)?).context("a job has a number that none was given")?;
        // A handler may start before the answer to the commit is read.
        waits.push(started.saturating_duration_since(*committed).as_secs_f64() * 1000.0);
    }
    shutdown.cancel();
    worker.await??;
    Ok(waits)
}

/// Enqueues one, and says when that was committed.
async fn enqueue(database: &Client, producer: Producer, job: Ping) -> anyhow::Result<Instant> {
    match producer {
        Producer::Library => {
            database.enqueue(&job.new_job()?).await?;
        }
        Producer::Caller => {
            let mut tx = database.pool().begin().await?;
            job.enqueue(database.in_tx(&mut tx)).await?;
            tx.commit().await?;
        }
    }
    Ok(Instant::now())
}

async fn start(starts: &mut UnboundedReceiver<(u64, Instant)>) -> anyhow::Result<(u64, Instant)> {
    let start = tokio::time::timeout(END_TIMEOUT, starts.recv()).await;
    start.context("a job was not started for half a minute")?.context("the worker has ended")
}
