//! The policies of kinds, as a worker keeps them for some seconds: what a claim brings is compared
//! with them here, so that no statement is.

use crate::client::Client;
use crate::error::Error;
use crate::failure::silence;
use crate::lease::leased::Lease;
use crate::lease::settled_attempt::SettledAttempt;
use crate::lease::settlement::Settlement;
use crate::loops::Loops;
use crate::policy::{KnownPolicies, OutputPolicy};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::debug;

/// A policy that is put holds after this time at most. `policy/put.sql` waits for twice as long
/// before what former hours have put off is let go.
const KEPT: Duration = Duration::from_secs(5);

/// Longest wait for Postgres.
const PATIENCE: Duration = Duration::from_secs(15);

/// Shared by what runs a process's jobs.
#[derive(Debug, Default)]
pub struct KeptPolicies {
    known: Mutex<Option<(Instant, Arc<KnownPolicies>)>>,
    /// Held by the one that reads.
    reading: tokio::sync::Mutex<()>,
}

impl KeptPolicies {
    /// Reads them if they are not known, or not since a few seconds.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused a statement or could not be reached.
    pub async fn refresh(&self, client: &Client) -> Result<(), Error> {
        if self.is_fresh() {
            return Ok(());
        }
        let _reading = self.reading.lock().await;
        // Another one may have read them since.
        if self.is_fresh() { Ok(()) } else { self.read(client).await }
    }

    async fn read(&self, client: &Client) -> Result<(), Error> {
        let Ok(known) = tokio::time::timeout(PATIENCE, client.policies().known()).await else {
            return Err(silence(PATIENCE).into());
        };
        // Counted from after the answer: what seems later than it is would run too early.
        let known = Some((Instant::now(), Arc::new(known?)));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    fn known(&self) -> Option<(Duration, Arc<KnownPolicies>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|(at, known)| (at.elapsed(), known.clone()))
    }

    fn is_fresh(&self) -> bool {
        self.known().is_some_and(|(passed, _)| passed < KEPT)
    }

    /// The end of an attempt that must not begin: outside the allowed hours of its kind the job
    /// waits until they begin, and has not failed.
    pub fn put_off(&self, lease: &Lease) -> Option<SettledAttempt> {
        let (passed, known) = self.known()?;
        let (wait, until) = known.put_off(&lease.kind, passed)?;
        Some(SettledAttempt::of(lease, Settlement::put_off(lease.failures, wait, until)))
    }

    /// Time that an attempt of the kind may take if its job does not say.
    pub fn timeout(&self, kind: &str) -> Option<Duration> {
        self.known()?.1.timeout(kind)
    }

    /// What is kept of what handlers of the kind return.
    pub fn output(&self, kind: &str) -> OutputPolicy {
        self.known().map(|(_, known)| known.output(kind)).unwrap_or_default()
    }
}

/// Reads them anew every few seconds, until the guard is dropped.
pub(crate) fn watch(client: &Client, policies: &Arc<KeptPolicies>, loops: &Loops) -> DropGuard {
    let stop = CancellationToken::new();
    let (stopped, client, policies) = (stop.clone(), client.clone(), policies.clone());
    loops.spawn("policies", async move {
        let reading = async {
            loop {
                tokio::time::sleep(KEPT).await;
                if let Err(error) = policies.read(&client).await {
                    debug!(%error, "could not read the policies of kinds, and will try again");
                }
            }
        };
        stopped.run_until_cancelled(reading).await;
    });
    stop.drop_guard()
}
