//! The order and its job are one transaction: both are there, or neither. The handler does the same
//! at the other end: what it writes and that the job has succeeded are one commit.
//!
//! Run it: `cargo run -p ordinaut-core --example transaction`. It prints:
//!
//! ```text
//! rolled back: no order, no job
//! committed: an order, and a job that is waiting
//! the job has run: the order is shipped
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::job::Awaited;
use ordinaut_core::{Client, Context, Job, JobError, Worker};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct Ship {
    order: i64,
}

impl Job for Ship {
    const KIND: &'static str = "ship";
}

/// The handler's state is a client of the same database.
async fn ship(job: Ship, ctx: Context<Client>) -> Result<(), JobError> {
    let mut tx = ctx.state.begin().await?;
    sqlx::query("update example_order set shipped = true where id = $1").bind(job.order).execute(&mut *tx).await?;
    // If another attempt owns the job by now, this is an error, and the update is rolled back.
    ctx.settle_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    let orders = "create table if not exists example_order (id bigserial primary key, shipped boolean not null)";
    sqlx::query(orders).execute(client.pool()).await?;
    let order = "insert into example_order (shipped) values (false) returning id";

    let mut tx = client.begin().await?;
    let lost: i64 = sqlx::query_scalar(order).fetch_one(&mut *tx).await?;
    let job = Ship { order: lost }.enqueue(client.in_tx(&mut tx)).await?.id();
    tx.rollback().await?;
    let found: Option<i64> = sqlx::query_scalar("select id from example_order where id = $1")
        .bind(lost)
        .fetch_optional(client.pool())
        .await?;
    if found.is_none() && matches!(client.jobs().result::<()>(job).await?, Awaited::Unknown) {
        println!("rolled back: no order, no job");
    }

    let mut tx = client.begin().await?;
    let kept: i64 = sqlx::query_scalar(order).fetch_one(&mut *tx).await?;
    let job = Ship { order: kept }.enqueue(client.in_tx(&mut tx)).await?.id();
    tx.commit().await?;
    if let Awaited::NotEnded(state) = client.jobs().result::<()>(job).await? {
        println!("committed: an order, and a job that is {state}");
    }

    let ended = client.jobs().wait_for_result::<()>(job, Duration::from_secs(30));
    Worker::new(client.clone(), client.clone()).handle(ship).run(ended).await?;
    let shipped = sqlx::query_scalar("select shipped from example_order where id = $1").bind(kept);
    if shipped.fetch_one(client.pool()).await? {
        println!("the job has run: the order is shipped");
    }
    Ok(())
}
