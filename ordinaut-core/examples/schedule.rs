//! A task makes a job whenever it is due: here each second, by a cron expression.
//!
//! Run it: `cargo run -p ordinaut-core --example schedule`. It prints:
//!
//! ```text
//! the second start found the task: true
//! tick 1 of the task, at a full second: true
//! tick 2 of the task, at a full second: true
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::schedule::Schedule;
use ordinaut_core::task::{TaskDefinition, TaskPut};
use ordinaut_core::{Context, Job, JobError, Scheduler, Worker};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_util::sync::CancellationToken;

#[derive(Serialize, Deserialize)]
struct Tick {}

impl Job for Tick {
    const KIND: &'static str = "tick";
}

#[derive(Default)]
struct Clock {
    ticks: AtomicU32,
    enough: CancellationToken,
}

async fn tick(_: Tick, ctx: Context<Clock>) -> Result<(), JobError> {
    let tick = ctx.state.ticks.fetch_add(1, Ordering::Relaxed) + 1;
    if tick <= 2 {
        // The instant that the task was due, however late the job runs.
        let full_second = ctx.scheduled_for().is_some_and(|instant| instant.timestamp_subsec_micros() == 0);
        println!("tick {tick} of the task, at a full second: {full_second}");
    }
    if tick == 2 {
        ctx.state.enough.cancel();
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    // Six fields: seconds come first. A program says the zone too, unless the installation's is
    // meant.
    let every_second = Schedule::cron("* * * * * *").timezone("UTC");
    let definition = TaskDefinition::of("Tick", &Tick {}, every_second)?.dedupe_key("example_tick");
    // A program puts its tasks at each start: known by its key, a task is there once.
    let first = client.tasks().put(&definition).await?;
    let again = client.tasks().put(&definition).await?;
    println!("the second start found the task: {}", matches!(again, TaskPut::Unchanged(_)));

    // Without a scheduler no task fires.
    let clock = Clock::default();
    let enough = clock.enough.clone();
    let scheduler = tokio::spawn(Scheduler::new(client.clone()).run(enough.clone().cancelled_owned()));
    Worker::new(client.clone(), clock).handle(tick).run(enough.cancelled()).await?;
    scheduler.await?;
    client.tasks().delete(first.task().id).await?;
    Ok(())
}
