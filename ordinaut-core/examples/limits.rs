//! Six calls for two customers. The worker could run all at once; a limit lets each customer have
//! one call at a time.
//!
//! Run it: `cargo run -p ordinaut-core --example limits`. It prints:
//!
//! ```text
//! ann: 3 calls, at most 1 at once
//! bob: 3 calls, at most 1 at once
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::{Context, Job, JobError, Limit, Scheduler, Worker};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct CallApi {
    customer: String,
}

impl Job for CallApi {
    const KIND: &'static str = "call_api";
}

#[derive(Default)]
struct Calls {
    made: u32,
    running: u32,
    most: u32,
}

type Seen = Arc<Mutex<BTreeMap<String, Calls>>>;

fn note(seen: &Seen, customer: &str, change: impl Fn(&mut Calls)) {
    change(seen.lock().unwrap_or_else(PoisonError::into_inner).entry(customer.to_owned()).or_default());
}

async fn call_api(job: CallApi, ctx: Context<Seen>) -> Result<(), JobError> {
    note(&ctx.state, &job.customer, |calls| {
        calls.running += 1;
        (calls.made, calls.most) = (calls.made + 1, calls.most.max(calls.running));
    });
    tokio::time::sleep(Duration::from_millis(50)).await; // stands for the call itself
    note(&ctx.state, &job.customer, |calls| calls.running -= 1);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;

    // It is stored under its name, and holds for all workers. Put again, it is the same limit.
    let limit = Limit::new("calls_of_a_customer").kind(CallApi::KIND).key("customer").concurrency(1);
    client.limits().put(&limit).await?;
    let mut ids = Vec::new();
    for customer in ["ann", "bob", "ann", "bob", "ann", "bob"] {
        ids.push(CallApi { customer: customer.to_owned() }.enqueue(&client).await?.id());
    }

    let scheduler = tokio::spawn(Scheduler::new(client.clone()).run(pending::<()>()));
    let seen = Seen::default();
    let all_ended = async {
        for id in ids {
            client.jobs().wait_for_result::<()>(id, Duration::from_secs(30)).await.ok();
        }
    };
    Worker::new(client.clone(), seen.clone()).handle(call_api).concurrency(10).run(all_ended).await?;
    scheduler.abort();
    for (customer, calls) in &*seen.lock().unwrap_or_else(PoisonError::into_inner) {
        println!("{customer}: {} calls, at most {} at once", calls.made, calls.most);
    }
    Ok(())
}
