//! The fold, where no worker does it: ends by a cancel, an expiry, a rescue or the API, and jobs
//! that come after others which nobody follows yet.

use crate::backoff::Backoff;
use crate::batch::run::fold::Folded;
use crate::client::Client;
use crate::error::Error;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::liveness::{Loop, SchedulerLiveness};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Between two looks, each of which reads a table that is nearly empty.
const PAUSE: Duration = Duration::from_millis(200);

/// Between two looks at the deadlines of batches.
const DEADLINES: Duration = Duration::from_secs(1);

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(5) };

/// Folds until told to stop. Any number of processes may: one of them does it at a time.
pub(crate) async fn run(database: Client, pulse: SchedulerLiveness, stop: CancellationToken) {
    let (mut failures, patience, mut looked) = (0, AdaptiveTimeout::default(), None::<Instant>);
    loop {
        let looks = looked.is_none_or(|at| at.elapsed() >= DEADLINES);
        looked = if looks { Some(Instant::now()) } else { looked };
        let folded = fold(&database, &patience, looks).await;
        pulse.turned(Loop::Fold, folded.is_ok());
        let pause = match folded {
            Ok(true) => Duration::ZERO,
            Ok(false) => {
                failures = 0;
                PAUSE
            }
            Err(error) => {
                warn!(%error, "could not fold ends of jobs, and will try again");
                failures += 1;
                RETRY.delay(failures, rand::random())
            }
        };
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Whether there is more to do at once.
async fn fold(database: &Client, patience: &AdaptiveTimeout, deadlines: bool) -> Result<bool, Error> {
    if deadlines {
        patience.wait(database.batches().expire()).await?;
    }
    if !patience.wait(database.batches().has_to_fold()).await? {
        return Ok(false);
    }
    Ok(matches!(patience.wait(database.batches().fold()).await?, Folded::Done { more: true, .. }))
}
