//! Retention: what ended long ago is dropped.

use crate::client::Client;
use crate::db::timeout::answered;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::LONGEST;
use crate::maintenance::options::Retention;
use crate::maintenance::periodic::Periodic;
use tracing::debug;

pub(crate) struct RetentionPass {
    database: Client,
    keep: Retention,
}

impl RetentionPass {
    pub(crate) fn new(database: &Client, keep: &Retention) -> Self {
        Self { database: database.clone(), keep: keep.clone() }
    }
}

impl Periodic for RetentionPass {
    const NAME: &'static str = "retention";
    const EVERY: &'static str = "45 7 * * * *";

    async fn run(&self) -> Result<(), Error> {
        // Batches that are done stay done; a pass that takes longer goes on at the next time.
        let pruned = answered(LONGEST, self.database.maintenance().prune(&self.keep)).await?;
        debug!(?pruned, "deleted rows that were past their retention");
        Ok(())
    }
}
