//! Rescue: take jobs back from sessions that are not alive.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use crate::notify::notifier;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::warn;

/// Maximum number of jobs that one transaction takes back.
const BATCH: i64 = 500;

/// Between two looks for claims that commit after their session was declared dead: each look reads
/// the whole table.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

pub(crate) struct Rescue {
    database: Client,
    patience: AdaptiveTimeout,
    looked: Mutex<Option<Instant>>,
}

impl Rescue {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone(), patience: AdaptiveTimeout::default(), looked: Mutex::default() }
    }

    /// Takes back every job whose session is not alive.
    async fn look_everywhere(&self) -> Result<(), Error> {
        loop {
            let rescued = self.patience.wait(self.database.maintenance().rescue(BATCH)).await?;
            for job in &rescued {
                warn!(job.id = %job.job_id, attempt = job.attempt, queue = %job.queue, outcome = %job.outcome,
                      "job {} attempt {} lost its worker: {}", job.job_id, job.attempt, job.outcome);
            }
            if rescued.is_empty() {
                break;
            }
            // They are due at once; who has room need not wait for its next poll.
            notifier::tell(&self.database, rescued.iter().map(|job| &*job.queue));
        }
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }

    fn is_time_to_look(&self) -> bool {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|looked| looked.elapsed() >= LOOK_AGAIN)
    }
}

impl Periodic for Rescue {
    const NAME: &'static str = "rescue";
    const EVERY: &'static str = EACH_SECOND;

    /// Declares sessions dead that were not renewed, and takes their jobs back. The rule is on the
    /// state and not on the declaring: whichever scheduler declared it, and whenever the claim
    /// commits, the job is found.
    async fn run(&self) -> Result<(), Error> {
        let dead = self.patience.wait(self.database.maintenance().declare_dead()).await?;
        for session in &dead {
            warn!(
                worker.session = session.session,
                "session {} of worker {} was not renewed: it is dead, and its jobs are rescued",
                session.session,
                session.name
            );
        }
        if !dead.is_empty()
            || self.is_time_to_look() && self.patience.wait(self.database.maintenance().session_ended_lately()).await?
        {
            self.look_everywhere().await?;
        }
        Ok(())
    }
}

/// Looks everywhere though nothing tells of a session that died: what is so is the rule, and not
/// what was heard of it.
pub(crate) struct RescueEverywhere(pub(crate) Arc<Rescue>);

impl Periodic for RescueEverywhere {
    const NAME: &'static str = "rescue everywhere";
    const EVERY: &'static str = "30 * * * * *";

    async fn run(&self) -> Result<(), Error> {
        self.0.look_everywhere().await
    }
}
