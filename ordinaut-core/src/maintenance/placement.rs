//! Placement: jobs that ask something of their worker, where no worker sees to them.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use crate::notify::notifier;
use crate::placement::store::upkeep::relax;

pub(crate) struct Placing {
    database: Client,
    patience: AdaptiveTimeout,
}

impl Placing {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for Placing {
    const NAME: &'static str = "placement";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        let (database, patience) = (&self.database, &self.patience);
        // Where no worker satisfies a demand, nobody else keeps its jobs out of the claims' way.
        patience.wait(database.leases().set_apart_due()).await?;
        let queues = patience.wait(relax(database)).await?;
        notifier::tell(database, queues.iter().map(|queue| &**queue));
        Ok(())
    }
}
