//! A job is put into Postgres, and a worker in the same program runs it.
//!
//! Run it: `cargo run -p ordinaut-core --example hello`. It prints:
//!
//! ```text
//! Welcome, ann@example.org! (attempt 1)
//! the job succeeded
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::job::Awaited;
use ordinaut_core::{Context, Job, JobError, Scheduler, Worker};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::future::pending;
use std::time::Duration;

/// The arguments of one kind of job. They are stored as JSON.
#[derive(Serialize, Deserialize)]
struct SendWelcome {
    to: String,
}

impl Job for SendWelcome {
    const KIND: &'static str = "send_welcome";
}

/// The state that every handler gets: pools, clients, settings.
struct Mailer {
    text: &'static str,
}

/// An error would be worth a retry; `JobError::fatal` would end the job as a dead letter.
async fn send_welcome(job: SendWelcome, ctx: Context<Mailer>) -> Result<(), JobError> {
    println!("{}, {}! (attempt {})", ctx.state.text, job.to, ctx.attempt());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;

    let id = SendWelcome { to: "ann@example.org".to_owned() }.enqueue(&client).await?.id();

    // Every installation needs a scheduler: it takes back the jobs of workers that vanished, fires
    // tasks and prunes.
    let scheduler = tokio::spawn(Scheduler::new(client.clone()).run(pending::<()>()));
    // A worker runs until this future ends. A server would pass the end of its own shutdown signal.
    let ended = client.jobs().wait_for_result::<()>(id, Duration::from_secs(30));
    Worker::new(client.clone(), Mailer { text: "Welcome" }).handle(send_welcome).run(ended).await?;
    scheduler.abort();

    if let Awaited::Ended(result) = client.jobs().result::<()>(id).await? {
        println!("the job {}", result.outcome);
    }
    Ok(())
}
