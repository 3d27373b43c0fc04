//! The relay: numbers changes in the order of their commits, so that readers can follow them.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::liveness::{Loop, SchedulerLiveness};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Maximum number of changes that one transaction numbers.
const BATCH: i64 = 500;

/// Time that an event may wait to be told when nothing else happens.
const PAUSE: Duration = Duration::from_millis(100);

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(5) };

/// Relays until told to stop. Any number of processes may: one of them gets the lock, the others
/// find nothing to do.
pub(crate) async fn run(database: Client, pulse: SchedulerLiveness, stop: CancellationToken) {
    let (mut failures, patience) = (0, AdaptiveTimeout::default());
    loop {
        let relayed = patience.wait(database.events().relay(BATCH)).await;
        pulse.turned(Loop::Relay, relayed.is_ok());
        let pause = match relayed {
            Ok(BATCH) => Duration::ZERO,
            Ok(_) => {
                failures = 0;
                PAUSE
            }
            Err(error) => {
                warn!(%error, "could not relay events, and will try again");
                failures += 1;
                RETRY.delay(failures, rand::random())
            }
        };
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}
