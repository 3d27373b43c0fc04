//! A nightly import: a thousand parts are loaded at once, of which one cannot be read; a report
//! runs when all have ended, whatever became of them. The part is mended and sent back, and the
//! import is published.
//!
//! Run it: `cargo run -p ordinaut-core --example nightly_import`. It prints:
//!
//! ```text
//! report: 999 of 1000 parts are loaded, 1 is not
//! published: 1000 of 1000 parts
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::{Client, Context, Job, JobError, Scheduler, Worker};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::future::pending;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct Load {
    part: u32,
}

#[derive(Serialize, Deserialize)]
struct Report {}

#[derive(Serialize, Deserialize)]
struct Publish {}

ordinaut_core::job::kinds!(Load = "load", Report = "report", Publish = "publish");

async fn load(job: Load, ctx: Context<Client>) -> Result<(), JobError> {
    // Nobody has mended it yet.
    let broken = job.part == 13 && ctx.attempt() == 1;
    if broken { Err(JobError::fatal("part 13 is cut off")) } else { Ok(()) }
}

async fn report(_: Report, ctx: Context<Client>) -> Result<(), JobError> {
    let batch = ctx.batch_id().await?.ok_or_else(|| JobError::fatal("no batch has called"))?;
    let batch = ctx.state.batches().get(batch).await?.ok_or_else(|| JobError::fatal("it is gone"))?;
    println!("report: {} of {} parts are loaded, {} is not", batch.succeeded, batch.total, batch.dead);
    Ok(())
}

async fn publish(_: Publish, ctx: Context<Client>) -> Result<(), JobError> {
    let batch = ctx.batch_id().await?.ok_or_else(|| JobError::fatal("no batch has called"))?;
    let batch = ctx.state.batches().get(batch).await?.ok_or_else(|| JobError::fatal("it is gone"))?;
    println!("published: {} of {} parts", batch.succeeded, batch.total);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    let (report_job, publish_job) = (Report {}.new_job()?, Publish {}.new_job()?);
    let (reported, published) = (report_job.id(), publish_job.id());
    let mut batch = client.batch("nightly import").on_complete(report_job).on_success(publish_job);
    for part in 0..1000 {
        batch = batch.add(Load { part }.new_job()?);
    }
    batch.commit().await?;

    let scheduler = tokio::spawn(Scheduler::new(client.clone()).run(pending::<()>()));
    let watched = client.clone();
    let all_ended = async move {
        watched.jobs().wait_for_result::<()>(reported, Duration::from_secs(30)).await.ok();
        let dead = watched.dead_letters().list(10, None).await.unwrap_or_else(|error| panic!("{error}"));
        let ids: Vec<_> = dead.iter().map(|letter| letter.job_id).collect();
        watched.dead_letters().requeue(&ids).await.ok();
        watched.jobs().wait_for_result::<()>(published, Duration::from_secs(30)).await.ok();
    };
    let worker = Worker::new(client.clone(), client).handle(load).handle(report).handle(publish);
    worker.concurrency(20).run(all_ended).await?;
    scheduler.abort();
    Ok(())
}
