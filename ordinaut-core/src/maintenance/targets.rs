//! Targets: jobs that wait for one are let go when it is called again, and one when it may be
//! tried.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use crate::notify::notifier;
use crate::target::store::resume::{let_in, waited_for};

/// Number of targets that one statement looks at.
const TARGETS: i64 = 500;

pub(crate) struct WaitingForTargets {
    database: Client,
    patience: AdaptiveTimeout,
}

impl WaitingForTargets {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default() }
    }
}

impl Periodic for WaitingForTargets {
    const NAME: &'static str = "targets";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        let (database, patience) = (&self.database, &self.patience);
        let mut after = String::new();
        loop {
            let found = patience.wait(waited_for(database, TARGETS, &after)).await?;
            for target in &found {
                let Some(turn) = target.let_in() else { continue };
                let queues = patience.wait(let_in(database, &target.name, turn)).await?;
                notifier::tell(database, queues.iter().map(|queue| &**queue));
            }
            match found.last() {
                Some(last) if found.len() as i64 == TARGETS => after.clone_from(&last.name),
                _ => return Ok(()),
            }
        }
    }
}
