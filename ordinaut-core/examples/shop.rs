//! A shop: an order, its mail and its charge are one transaction. Three kinds of job; the stocktake
//! is unique, waits until no order came for a while, and is done each night besides; a customer is
//! charged for one order at a time; and the program that took the order gets what they return.
//!
//! Run it: `cargo run -p ordinaut-core --example shop`. It prints:
//!
//! ```text
//! mail to ann
//! charged ann
//! stocktake
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::{Client, Enqueued, Job, Limit, Scheduler, Unique, Worker};
use ordinaut_core::{job, schedule::Schedule, task::TaskDefinition};
use serde::{Deserialize, Serialize};
use std::{error::Error, future::pending, time::Duration};

/// Time without an order after which stock is taken.
const QUIET: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct SendMail {
    to: String,
}

#[derive(Serialize, Deserialize)]
struct Charge {
    customer: String,
}

#[derive(Serialize, Deserialize)]
struct Stocktake {}

job::kinds!(SendMail = "send_mail", Charge = "charge", Stocktake = "stocktake");

/// What each start of the program does; nothing is there twice.
async fn start(client: &Client) -> Result<Worker<()>, Box<dyn Error>> {
    sqlx::query("create table if not exists shop_order (customer text not null)").execute(client).await?;
    client.limits().put(&Limit::new("charges").kind(Charge::KIND).key("customer").concurrency(1)).await?;
    let nightly = TaskDefinition::of("Stocktake", &Stocktake {}, Schedule::cron("30 2 * * *"))?;
    let _ = client.tasks().put(&nightly.dedupe_key("stocktake")).await?;
    // What a handler returns is the output of its run.
    Ok(Worker::new(client.clone(), ())
        .handle(async |mail: SendMail, _| Ok(format!("mail to {}", mail.to)))
        .handle(async |charge: Charge, _| Ok(format!("charged {}", charge.customer)))
        .handle(async |_: Stocktake, _| Ok("stocktake")))
}

/// Takes an order; the answer is the jobs that come of it.
async fn order(client: &Client, customer: &str) -> Result<[Enqueued; 3], Box<dyn Error>> {
    let once = Unique::by_kind().on_duplicate(job::OnDuplicate::Debounce);
    let mut tx = client.begin().await?;
    sqlx::query("insert into shop_order values ($1)").bind(customer).execute(&mut *tx).await?;
    let mail = SendMail { to: customer.to_owned() }.enqueue(client.in_tx(&mut tx)).await?;
    let charge = Charge { customer: customer.to_owned() }.enqueue(client.in_tx(&mut tx)).await?;
    let stocktake = Stocktake {}.new_job()?.unique(once).delay(QUIET).enqueue(client.in_tx(&mut tx)).await?;
    tx.commit().await?;
    Ok([mail, charge, stocktake])
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    tokio::spawn(start(&client).await?.run(pending::<()>()));
    tokio::spawn(Scheduler::new(client.clone()).run(pending::<()>()));
    for job in order(&client, "ann").await? {
        println!("{}", client.jobs().wait_for_result::<String>(job.id(), QUIET * 30).await?.into_output()?);
    }
    Ok(())
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn two_orders_are_two_mails_and_one_stocktake() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    let mut worker = start(&client).await?;
    order(&client, "ann").await?;
    order(&client, "bob").await?;
    ordinaut_core::testing::assert_enqueued::<SendMail>(&client, |mail| mail.to == "bob").await;
    ordinaut_core::testing::advance(&client, QUIET).await?;
    assert_eq!(ordinaut_core::testing::drain(&mut worker).await?.len(), 5);
    Ok(())
}
