//! A shop: an order, its mail and its charge are one transaction. Three kinds of job; the stocktake
//! is unique, waits until no order came for a while, and is done each night besides; a customer is
//! charged for one order at a time; and the program that took the order gets the receipt.
//!
//! Run it: `cargo run -p ordinaut-core --example shop`. It prints:
//!
//! ```text
//! mail to ann
//! charged ann
//! receipt: R-ann
//! stocktake
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::job::{Awaited, OnDuplicate};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::{Client, Context, Job, JobError, Limit, Scheduler, Unique, Worker};
use serde::{Deserialize, Serialize};
use std::{error::Error, future::pending, time::Duration};
use uuid::Uuid;

/// Time without an order after which stock is taken.
const QUIET: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct SendMail {
    to: String,
}

impl Job for SendMail {
    const KIND: &'static str = "send_mail";
}

#[derive(Serialize, Deserialize)]
struct Charge {
    customer: String,
}

impl Job for Charge {
    const KIND: &'static str = "charge";
}

#[derive(Serialize, Deserialize)]
struct Stocktake {}

impl Job for Stocktake {
    const KIND: &'static str = "stocktake";

    fn unique(&self) -> Option<Unique> {
        Some(Unique::by_kind().mode(OnDuplicate::Debounce))
    }
}

async fn send_mail(job: SendMail, _: Context<()>) -> Result<(), JobError> {
    println!("mail to {}", job.to);
    Ok(())
}

/// What a handler returns is the output of its run.
async fn charge(job: Charge, _: Context<()>) -> Result<String, JobError> {
    println!("charged {}", job.customer);
    Ok(format!("R-{}", job.customer))
}

async fn stocktake(_: Stocktake, _: Context<()>) -> Result<(), JobError> {
    println!("stocktake");
    Ok(())
}

/// What every start of the program does; nothing is there twice.
async fn prepare(client: &Client) -> Result<(), Box<dyn Error>> {
    sqlx::query("create table if not exists shop_order (customer text not null)").execute(client.pool()).await?;
    client.limits().put(&Limit::new("charges").kind(Charge::KIND).key("customer").concurrency(1)).await?;
    let nightly = Schedule::new(ScheduleKind::Cron, "30 2 * * *");
    let _ =
        client.tasks().put(&TaskDefinition::of("Stocktake", &Stocktake {}, nightly)?.dedupe_key("stocktake")).await?;
    Ok(())
}

/// Takes an order; the answer is the ids of its charge and of the stocktake that comes.
async fn order(client: &Client, customer: &str) -> Result<[Uuid; 2], Box<dyn Error>> {
    let mut tx = client.begin().await?;
    sqlx::query("insert into shop_order values ($1)").bind(customer).execute(&mut *tx).await?;
    SendMail { to: customer.to_owned() }.enqueue(client.in_tx(&mut tx)).await?;
    let charge = Charge { customer: customer.to_owned() }.enqueue(client.in_tx(&mut tx)).await?;
    let stocktake = Stocktake {}.new_job()?.delay(QUIET).enqueue(client.in_tx(&mut tx)).await?;
    tx.commit().await?;
    Ok([charge.id(), stocktake.id()])
}

fn worker(client: &Client) -> Worker<()> {
    Worker::new(client.clone(), ()).handle(send_mail).handle(charge).handle(stocktake)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    prepare(&client).await?;
    let ids = order(&client, "ann").await?;
    tokio::spawn(Scheduler::new(client.clone()).run(pending::<()>()));
    let worker = tokio::spawn(worker(&client).run(pending::<()>()));
    if let Awaited::Ended(charge) = client.jobs().wait_for_result::<String>(ids[0], Duration::from_secs(30)).await? {
        println!("receipt: {}", charge.output.unwrap_or_default());
    }
    client.jobs().wait_for_result::<()>(ids[1], Duration::from_secs(30)).await?;
    worker.abort();
    Ok(())
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use ordinaut_core::task::TaskFilter;
    use ordinaut_core::testing::{self, TestDatabase};

    #[tokio::test]
    async fn two_orders_are_two_mails_and_one_stocktake() -> Result<(), Box<dyn Error>> {
        let server = ordinaut_embedded::Postgres::temporary()?;
        let db = TestDatabase::on(&server.url()).await?;
        prepare(&db).await?;
        prepare(&db).await?;
        assert_eq!(db.tasks().list(&TaskFilter::default(), 10).await?.items.len(), 1);
        order(&db, "ann").await?;
        order(&db, "bob").await?;
        testing::assert_enqueued::<SendMail>(&db, |mail| mail.to == "bob").await;
        testing::advance(&db, QUIET).await?;
        assert_eq!(testing::drain(&mut worker(&db)).await?.len(), 5);
        Ok(())
    }

    #[tokio::test]
    async fn a_charge_has_a_receipt() {
        let receipt = charge(Charge { customer: "ann".to_owned() }, Context::for_test(())).await;
        assert_eq!(receipt.ok().as_deref(), Some("R-ann"));
    }
}
