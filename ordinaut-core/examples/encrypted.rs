//! Arguments that the database stores encrypted, and only a handler reads. Needs the feature
//! `encryption`.
//!
//! Run it: `cargo run -p ordinaut-core --features encryption --example encrypted`. It prints:
//!
//! ```text
//! without a key the job is refused
//! stored under the key k2, and the card is not in it
//! charged card 4111-1111
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use ordinaut_core::job::Keyring;
use ordinaut_core::{Context, Job, JobError, Worker};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::error::Error;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct Charge {
    card: String,
}

impl Job for Charge {
    const KIND: &'static str = "charge";
    const ENCRYPTED: bool = true;
}

async fn charge(job: Charge, _: Context<()>) -> Result<(), JobError> {
    println!("charged card {}", job.card);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    let job = Charge { card: "4111-1111".to_owned() };
    if job.enqueue(&client).await.is_err() {
        println!("without a key the job is refused");
    }

    // The first key encrypts, all of them decrypt: so keys are changed while jobs wait. A program
    // reads them from its secrets.
    let keyring = Keyring::new([("k2", [2; 32]), ("k1", [1; 32])])?;
    let client = client.to_builder().keyring(keyring).connect().await?;
    let id = job.enqueue(&client).await?.id();
    let stored: Value =
        sqlx::query_scalar("select args from ordinaut.job where id = $1").bind(id).fetch_one(&client).await?;
    if let (Some(key), false) = (stored["encrypted"]["key"].as_str(), stored.to_string().contains(&job.card)) {
        println!("stored under the key {key}, and the card is not in it");
    }

    let ended = client.jobs().wait_for_result::<()>(id, Duration::from_secs(30));
    Worker::new(client.clone(), ()).handle(charge).run(ended).await?;
    Ok(())
}
