//! The rules of alerts: evaluated by one scheduler at a time.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::Periodic;
use std::time::Duration;

/// A little less than the time between two ticks: the schedulers tick together, and one of them
/// does it.
const REST: Duration = Duration::from_secs(4);

pub(crate) struct AlertRules {
    database: Client,
    patience: AdaptiveTimeout,
}

impl AlertRules {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for AlertRules {
    const NAME: &'static str = "alerts";
    const EVERY: &'static str = "*/5 * * * * *";

    async fn run(&self) -> Result<(), Error> {
        self.patience.wait(self.database.alerts().evaluate_after(REST)).await.map(drop)
    }
}
