//! A long job says how far it has come, and the attempt after a failure goes on from there.
//!
//! Run it: `cargo run -p ordinaut-core --example checkpoint`. It prints:
//!
//! ```text
//! attempt 1 begins at page 1
//! attempt 2 begins at page 4
//! attempt 2 has imported page 5, the last one
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::{Context, Job, JobError, Worker};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct Import {
    pages: u32,
}

impl Job for Import {
    const KIND: &'static str = "import";
}

async fn import(job: Import, ctx: Context<()>) -> Result<(), JobError> {
    let first = ctx.checkpoint().await?.unwrap_or(1);
    println!("attempt {} begins at page {first}", ctx.attempt());
    for page in first..=job.pages {
        if page == 4 && ctx.attempt() == 1 {
            return Err(JobError::retry("the other side is busy").after(Duration::from_millis(100)));
        }
        // After the work, not before: what comes after the last checkpoint is done again.
        ctx.save_checkpoint(&(page + 1)).await?;
    }
    println!("attempt {} has imported page {}, the last one", ctx.attempt(), job.pages);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    let id = Import { pages: 5 }.enqueue(&client).await?.id();
    let ended = client.jobs().wait_for_result::<()>(id, Duration::from_secs(30));
    Worker::new(client.clone(), ()).handle(import).run(ended).await?;
    Ok(())
}
