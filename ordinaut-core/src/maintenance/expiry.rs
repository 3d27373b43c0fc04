//! Expiry: what waited for longer than its queue allows ends, and a unique key whose window is over
//! is forgotten.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use tracing::info;

pub(crate) struct Expiry {
    database: Client,
    patience: AdaptiveTimeout,
}

impl Expiry {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for Expiry {
    const NAME: &'static str = "expire";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        let expired = self.patience.wait(self.database.queues().expire_jobs()).await?;
        if expired > 0 {
            info!("{expired} jobs expired: they had been due for longer than their queues allow");
        }
        self.patience.wait(self.database.jobs().prune_unique_keys()).await?;
        Ok(())
    }
}
