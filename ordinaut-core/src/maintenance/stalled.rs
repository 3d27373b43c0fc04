//! Stalled jobs: those that run, and whose progress has not changed for as long as it should.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use crate::notify::{CANCELS, notifier};
use tracing::warn;

/// Maximum number of jobs that one statement looks at.
const BATCH: i64 = 500;

pub(crate) struct StalledJobs {
    database: Client,
    patience: AdaptiveTimeout,
}

impl StalledJobs {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for StalledJobs {
    const NAME: &'static str = "stalled";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        let found = self.patience.wait(self.database.maintenance().mark_stalled(BATCH)).await?;
        if found.stalled > 0 {
            warn!("{} jobs are stalled, and {} of them were asked to stop", found.stalled, found.asked);
        }
        if found.asked > 0 {
            notifier::tell(&self.database, [CANCELS]);
        }
        Ok(())
    }
}
