//! Policies of kinds: jobs that hours have put off which do not hold any more.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use crate::notify::notifier;

pub(crate) struct ChangedPolicies {
    database: Client,
    patience: AdaptiveTimeout,
}

impl ChangedPolicies {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for ChangedPolicies {
    const NAME: &'static str = "policies";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        while let Some(queues) = self.patience.wait(self.database.policies().let_go()).await? {
            notifier::tell(&self.database, queues.iter().map(String::as_str));
        }
        Ok(())
    }
}
