//! Prune: what nothing needs any more is forgotten, in tables that stay small.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::Periodic;
use crate::placement::store::upkeep::prune_demands;
use std::time::Duration;
use tracing::info;

/// Time for which the row of a session or scheduler that has ended is kept to be looked at.
const SESSION_RETENTION: Duration = Duration::from_secs(3600);

pub(crate) struct Prune {
    database: Client,
    patience: AdaptiveTimeout,
}

impl Prune {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for Prune {
    const NAME: &'static str = "prune";
    const EVERY: &'static str = "30 * * * * *";

    async fn run(&self) -> Result<(), Error> {
        let (database, patience) = (&self.database, &self.patience);
        patience.wait(database.schedulers().prune_schedulers(SESSION_RETENTION)).await?;
        let repaired = patience.wait(database.jobs().repair_unique_keys()).await?;
        if repaired > 0 {
            info!("freed {repaired} unique keys of jobs that had ended");
        }
        patience.wait(database.maintenance().prune_checkpoints()).await?;
        patience.wait(database.maintenance().prune_waits()).await?;
        patience.wait(database.limits().prune_limits()).await?;
        patience.wait(prune_demands(database)).await?;
        patience.wait(database.batches().prune_dependencies()).await?;
        patience.wait(database.batches().cancel_uncalled()).await?;
        patience.wait(database.maintenance().prune_sessions(SESSION_RETENTION)).await?;
        Ok(())
    }
}
