//! The levels of queues with a bound: told where they changed.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tracing::{info, warn};

/// The next count waits at least this many times as long as the last one took: millions of waiting
/// jobs are not counted each second.
const REST: u32 = 20;

pub(crate) struct QueuePressure {
    database: Client,
    patience: AdaptiveTimeout,
    /// Not before then.
    next: Mutex<Option<Instant>>,
}

impl QueuePressure {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default(), next: Mutex::default() }
    }

    fn next(&self) -> MutexGuard<'_, Option<Instant>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Periodic for QueuePressure {
    const NAME: &'static str = "level";
    const EVERY: &'static str = EACH_SECOND;

    /// Counts what waits in each queue with a bound, and tells of each whose level is another one.
    async fn run(&self) -> Result<(), Error> {
        if self.next().is_some_and(|next| Instant::now() < next) {
            return Ok(());
        }
        let began = Instant::now();
        let changes = self.patience.wait(self.database.queues().changed_levels()).await?;
        *self.next() = began.checked_add(began.elapsed().saturating_mul(REST));
        for change in changes {
            if !self.patience.wait(self.database.queues().set_level(&change)).await? {
                continue;
            }
            let (queue, from, to) = (&change.queue, change.from, change.to);
            if to > from {
                warn!(%queue, level = %to, "queue {queue} is filling up: its level is {to}, and was {from}");
            } else {
                info!(%queue, level = %to, "queue {queue} is emptying: its level is {to}, and was {from}");
            }
        }
        Ok(())
    }
}
