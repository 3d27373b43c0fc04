//! Partitions: made ahead of the rows that go into them.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::Periodic;
use tracing::info;

pub(crate) struct Partitions {
    database: Client,
    patience: AdaptiveTimeout,
}

impl Partitions {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for Partitions {
    const NAME: &'static str = "partitions";
    const EVERY: &'static str = "0 */10 * * * *";

    async fn run(&self) -> Result<(), Error> {
        let made = self.patience.wait(self.database.make_partitions()).await?;
        if !made.is_empty() {
            info!("made partitions {}", made.join(", "));
        }
        Ok(())
    }
}
