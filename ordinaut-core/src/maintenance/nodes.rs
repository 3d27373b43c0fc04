//! The levels of machines: told where they changed.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::Periodic;
use crate::node::level::{NodeLevel, level};
use crate::node::threshold::NodeThresholds;
use std::time::Duration;
use tracing::{info, warn};

/// A machine of which nobody has told for this long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(7 * 86_400);

pub(crate) struct Nodes {
    database: Client,
    thresholds: NodeThresholds,
    patience: AdaptiveTimeout,
}

impl Nodes {
    pub(crate) fn new(database: &Client, thresholds: &NodeThresholds) -> Self {
        Self { database: database.clone(), thresholds: thresholds.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for Nodes {
    const NAME: &'static str = "nodes";
    const EVERY: &'static str = "*/5 * * * * *";

    async fn run(&self) -> Result<(), Error> {
        for figures in self.patience.wait(self.database.nodes().figures()).await? {
            let whole = figures.thresholds(&self.thresholds).whole();
            let (to, causes) = level(figures.usage(), figures.silent(), &figures.causes, &whole);
            let from = figures.level()?;
            if to == from && causes == figures.causes {
                continue;
            }
            if !self.patience.wait(self.database.nodes().set_level(&figures, to, &causes)).await? {
                continue;
            }
            let (node, why) = (&figures.name, causes.join(", "));
            if to > from && to > NodeLevel::Healthy {
                warn!(%node, level = %to, "node {node} is {to}, and was {from}: {why}");
            } else if to < from {
                info!(%node, level = %to, "node {node} is {to}, and was {from}");
            }
        }
        self.patience.wait(self.database.nodes().prune(FORGOTTEN_AFTER)).await?;
        Ok(())
    }
}
