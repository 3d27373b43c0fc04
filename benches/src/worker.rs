//! A worker process: this crate's binary, started by itself, so that a worker's CPU time can be
//! told from the bench's.
//!
//! It says `ready` when it can begin, begins when it reads a line, says how many jobs it has
//! handled, and stops when its standard input ends: also when the process that started it was
//! killed. The other end is `crew.rs`.

use crate::job::{Noop, Unrelated};
use ordinaut_core::{Client, Context, JobError, Worker};
use std::io::{BufRead, Write, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Often enough to notice an end at once beside what is measured, seldom enough to cost nothing.
const REPORT: Duration = Duration::from_millis(20);

/// More than it takes to write the last ends to a server that answers; less than the crew waits.
const STOPPING: Duration = Duration::from_secs(20);

/// What a worker process is told.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WorkerOptions {
    /// The database.
    #[arg(long, default_value = "")]
    pub url: String,
    /// Slots; the library's default if not said.
    #[arg(long)]
    pub concurrency: Option<usize>,
    /// Time for which each handler sleeps.
    #[arg(long, default_value_t = 0)]
    pub sleep_ms: u64,
    /// Handles another kind than the one that is enqueued.
    #[arg(long)]
    pub unrelated: bool,
}

#[derive(Default)]
struct Tally {
    handled: AtomicU64,
    slept_us: AtomicU64,
    sleep: Duration,
}

/// Works until standard input ends.
pub async fn work(options: WorkerOptions) -> anyhow::Result<()> {
    let database = Client::builder(options.url).max_connections(5).connect().await?;
    let tally = Arc::new(Tally { sleep: Duration::from_millis(options.sleep_ms), ..Tally::default() });
    let worker = Worker::new(database, tally.clone());
    let worker = if options.unrelated { worker.handle(unrelated) } else { worker.handle(noop) };
    let worker = match options.concurrency {
        Some(slots) => worker.concurrency(slots),
        None => worker,
    };
    let (go, stop) = orders();
    writeln!(stdout(), "ready")?;
    if go.await.is_err() {
        return Ok(());
    }
    let reporter = tokio::spawn(report(tally.clone()));
    worker.run(stop).await?;
    reporter.abort();
    say(&tally);
    Ok(())
}

async fn noop(_job: Noop, ctx: Context<Arc<Tally>>) -> Result<(), JobError> {
    let tally = &ctx.state;
    if !tally.sleep.is_zero() {
        let (start, sleep) = (Instant::now(), tally.sleep);
        // By the system's timer: the runtime's counts milliseconds, and takes 11.2 for 10.
        tokio::task::spawn_blocking(move || std::thread::sleep(sleep)).await.map_err(JobError::retry)?;
        let slept = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        tally.slept_us.fetch_add(slept, Ordering::Relaxed);
    }
    tally.handled.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

async fn unrelated(_job: Unrelated, _ctx: Context<Arc<Tally>>) -> Result<(), JobError> {
    Ok(())
}

/// Ends of standard input: its first line, and all of it. Read by a thread, because a pipe cannot
/// be awaited portably.
fn orders() -> (oneshot::Receiver<()>, oneshot::Receiver<()>) {
    let (say_go, go) = oneshot::channel();
    let (say_stop, stop) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut lines = stdin().lock().lines();
        if let Some(Ok(_)) = lines.next() {
            // Nobody waits any more if the worker could not begin.
            say_go.send(()).ok();
            lines.for_each(drop);
        }
        drop(say_stop);
        // Only a worker whose server went away with the bench is still here then: it would try
        // until its patience ends.
        std::thread::sleep(STOPPING);
        std::process::exit(1);
    });
    (go, stop)
}

async fn report(tally: Arc<Tally>) {
    let mut last = 0;
    loop {
        tokio::time::sleep(REPORT).await;
        let handled = tally.handled.load(Ordering::Relaxed);
        if handled != last {
            last = handled;
            say(&tally);
        }
    }
}

fn say(tally: &Tally) {
    let (handled, slept) = (tally.handled.load(Ordering::Relaxed), tally.slept_us.load(Ordering::Relaxed));
    // A bench that is gone wants to hear nothing, and has closed standard input too.
    writeln!(stdout(), "handled {handled} {slept}").ok();
}
