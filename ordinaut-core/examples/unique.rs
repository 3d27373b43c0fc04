//! Two ways of being unique. A report is made once however often it is asked for; a customer is
//! synchronised once it has been quiet for a while (debounce), with the newest arguments.
//!
//! Run it: `cargo run -p ordinaut-core --example unique`. It prints:
//!
//! ```text
//! the second report is a duplicate: true
//! report of 2026-11
//! customer 7 is now called Annabel
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::job::OnDuplicate;
use ordinaut_core::{Context, Enqueued, Job, JobError, Unique, Worker};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct Report {
    month: String,
}

impl Job for Report {
    const KIND: &'static str = "report";

    /// One job for each month, from the enqueue to its end.
    fn unique(&self) -> Option<Unique> {
        Some(Unique::by_kind().args(["month"]))
    }
}

#[derive(Serialize, Deserialize)]
struct SyncCustomer {
    customer: u32,
    name: String,
}

impl Job for SyncCustomer {
    const KIND: &'static str = "sync_customer";

    /// One job for each customer, whatever the name: a newer one takes the place of one that waits,
    /// and waits anew.
    fn unique(&self) -> Option<Unique> {
        Some(Unique::by_kind().args(["customer"]).on_duplicate(OnDuplicate::Debounce))
    }
}

async fn report(job: Report, _: Context<()>) -> Result<(), JobError> {
    println!("report of {}", job.month);
    Ok(())
}

async fn sync_customer(job: SyncCustomer, _: Context<()>) -> Result<(), JobError> {
    println!("customer {} is now called {}", job.customer, job.name);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;

    let first = Report { month: "2026-11".to_owned() }.enqueue(&client).await?;
    let second = Report { month: "2026-11".to_owned() }.enqueue(&client).await?;
    println!("the second report is a duplicate: {}", second == Enqueued::Duplicate(first.id()));

    let mut newest = first.id();
    for name in ["Ann", "Anna", "Annabel"] {
        let job = SyncCustomer { customer: 7, name: name.to_owned() }.new_job()?.delay(Duration::from_secs(1));
        newest = job.enqueue(&client).await?.id();
    }
    let ended = client.jobs().wait_for_result::<()>(newest, Duration::from_secs(30));
    Worker::new(client.clone(), ()).handle(report).handle(sync_customer).run(ended).await?;
    Ok(())
}
