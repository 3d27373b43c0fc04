//! An order is charged, waits for its parcel and for somebody's approval, and is refunded if that
//! is refused. The worker's first attempt fails behind the charge, which is not done again.
//!
//! Run it: `cargo run -p ordinaut-core --example order_saga`. It prints:
//!
//! ```text
//! charged 30 for order 7
//! parcel p-31 is packed
//! refunded receipt r-7
//! order 7 ended: refused by ann
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::job::Awaited;
use ordinaut_core::step::{ApprovalRequest, Decision};
use ordinaut_core::{Client, Context, Job, JobError, Worker};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Serialize, Deserialize)]
struct Order {
    id: u32,
    sum: u32,
}

impl Job for Order {
    const KIND: &'static str = "order";
}

/// Stands for a call of something outside.
fn say<T>(text: &str, answer: T) -> Result<T, JobError> {
    println!("{text}");
    Ok(answer)
}

async fn order(job: Order, ctx: Context<()>) -> Result<String, JobError> {
    let said = format!("charged {} for order {}", job.sum, job.id);
    let receipt: String = ctx.step("charge", async || say(&said, format!("r-{}", job.id))).await?;
    if ctx.failures() == 0 {
        return Err(JobError::retry("the process might as well have died").after(Duration::ZERO));
    }
    let parcel: Option<String> = ctx.wait_for("packed", "parcels.packed", &job.id.to_string(), 30 * DAY).await?;
    let parcel = parcel.unwrap_or_default();
    ctx.step("tell", async || say(&format!("parcel {parcel} is packed"), ())).await?;
    let answer = ctx.approval("ship", ApprovalRequest::new("Ship it?").within(2 * DAY)).await?;
    if answer.is_approved() {
        return Ok("shipped".to_owned());
    }
    ctx.step("refund", async || say(&format!("refunded receipt {receipt}"), ())).await?;
    Ok(format!("refused by {}", answer.by.unwrap_or_default()))
}

/// Publishes the event, and answers as soon as somebody is asked.
async fn play(client: Client, id: uuid::Uuid) -> Result<Awaited<String>, ordinaut_core::Error> {
    client.tasks().publish("parcels.packed", "7", "parcel 31", &"p-31".into()).await.expect("an event");
    while client.jobs().approvals(1, None).await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.jobs().decide(id, None, Decision::Rejected, "ann", None).await?;
    client.jobs().wait_for_result::<String>(id, Duration::from_secs(30)).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    let id = Order { id: 7, sum: 30 }.enqueue(&client).await?.id();
    Worker::new(client.clone(), ()).handle(order).run(play(client.clone(), id)).await?;
    if let Awaited::Ended(result) = client.jobs().result::<String>(id).await? {
        println!("order 7 ended: {}", result.output.unwrap_or_default());
    }
    Ok(())
}
