//! What happens by what is so, and at no instant that is known before: conditions, services without
//! a job, jobs of paused tasks that came back to wait, jobs that wait to run again.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use crate::notify::notifier;
use tracing::debug;

pub(crate) struct StateLook {
    database: Client,
    patience: AdaptiveTimeout,
}

impl StateLook {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }

    async fn look(&self) -> Result<(), Error> {
        let fired = self.database.tasks().fire_conditions().await?;
        if fired > 0 {
            debug!("{fired} conditions became true");
        }
        let started = self.database.tasks().restart_services().await?;
        if started > 0 {
            debug!("{started} services got their next job");
        }
        self.database.tasks().park_all_paused().await?;
        let queues = self.database.jobs().let_run_again().await?;
        notifier::tell(&self.database, queues.iter().map(|queue| &**queue));
        Ok(())
    }
}

impl Periodic for StateLook {
    const NAME: &'static str = "look";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        self.patience.wait(self.look()).await
    }
}
