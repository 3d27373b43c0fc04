//! Presence: a scheduler says that it lives, and that it has ended.

use crate::client::Client;
use crate::error::Error;
use crate::host::{host_name, process_name};
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::liveness::SchedulerLiveness;
use crate::maintenance::periodic::Periodic;
use std::time::Duration;
use tracing::warn;
use uuid::Uuid;

/// What saying that it ended may take at most.
const LAST_WORD: Duration = Duration::from_secs(2);

pub(crate) struct Presence {
    id: Uuid,
    database: Client,
    pulse: SchedulerLiveness,
    patience: AdaptiveTimeout,
}

impl Presence {
    pub(crate) fn new(database: &Client, pulse: &SchedulerLiveness) -> Self {
        let (database, pulse) = (database.clone(), pulse.clone());
        Self { id: Uuid::new_v4(), database, pulse, patience: AdaptiveTimeout::default() }
    }

    /// Says that this scheduler has ended. If Postgres is away too, its row is soon old.
    pub(crate) async fn end(&self) {
        if let Ok(Err(error)) = tokio::time::timeout(LAST_WORD, self.database.schedulers().left(self.id)).await {
            warn!(%error, "could not record that this scheduler stopped");
        }
    }
}

impl Periodic for Presence {
    const NAME: &'static str = "seen";
    const EVERY: &'static str = "*/5 * * * * *";

    async fn run(&self) -> Result<(), Error> {
        // A scheduler that is stuck does not say that it lives.
        if let Some(still) = self.pulse.still() {
            warn!("scheduler loop {still} is stuck");
            return Ok(());
        }
        self.patience.wait(self.database.schedulers().seen(self.id, &process_name(), &host_name())).await?;
        Ok(())
    }
}
